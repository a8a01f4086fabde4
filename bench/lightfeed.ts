import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { type Desired, feedDirectory } from '../crds/contract/desired.ts'
import { digestOf } from '../crds/contract/digest.ts'
import type { FeedReport, SessionStatus } from '../crds/contract/feedstatus.ts'

/**
 * The least that a controller takes for a feed, in place of the real one where 50 of them are wanted on a small machine: it answers
 * and takes desired states, and has no sessions and no ticks. With `--mute` it says that it waits for its login, for ever.
 */
function main(directory: string, isMute: boolean): void {
  const startedAt = Date.now()
  let desired = JSON.parse(readFileSync(join(directory, feedDirectory.desired), 'utf8')) as Desired
  const server = createServer(async (request, response) => {
    if (request.url === '/v1/position') return response.writeHead(404).end()
    if (request.method === 'PUT') desired = await bodyOf(request)
    response.setHeader('content-type', 'application/json').end(JSON.stringify(reportOf(desired, startedAt, isMute)))
  })
  process.once('SIGTERM', () => process.exit(0))
  server.listen(Number(process.env.FEEDPLANE_PORT ?? 9100), process.env.FEEDPLANE_BIND ?? '127.0.0.1', () => {
    mkdirSync(join(directory, feedDirectory.state), { recursive: true })
    writeFileSync(join(directory, feedDirectory.state, 'port'), String((server.address() as AddressInfo).port))
  })
}

const bodyOf = async (request: IncomingMessage): Promise<Desired> => JSON.parse((await buffer(request)).toString()) as Desired

function reportOf({ feed, revision, epoch, launch, live }: Desired, startedAt: number, isMute: boolean): FeedReport {
  const { role, active } = live
  const desired = live.instrumentGroups.reduce((sum, { instruments }) => sum + instruments.length, 0)
  return {
    ...{ feed, version: 'light', startedAt, pid: process.pid, revision, epoch, role, active, gaps: 0 },
    launchDigest: digestOf(launch),
    liveDigest: digestOf(live),
    sessions: launch.accounts
      .map(account => sessionOf(account, desired, startedAt, isMute))
      .map(session => ({
        ...session,
        gate: role === 'publisher' && session.account === active && !isMute ? ('open' as const) : ('closed' as const),
      })),
    market: { open: true },
    publisher: { type: launch.publish.type, connected: true, outbox: 0 },
  }
}

function sessionOf(account: SessionStatus['account'], desired: number, since: number, isMute: boolean): SessionStatus {
  const done = isMute ? 0 : desired
  return {
    ...{ account, since, state: isMute ? 'logging-in' : 'live', gate: 'closed', restarts: 0, rejections: [] },
    subscriptions: { desired, acknowledged: done, ticking: done, rejected: 0 },
    ...{ received: 0, published: 0, dropped: 0, conflated: 0, ticksPerSecond: 0 },
    ...(!isMute && { lastTickAt: since }),
  }
}

main(process.env.FEEDPLANE_DIRECTORY ?? '.', process.argv.includes('--mute'))
