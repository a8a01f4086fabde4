import { join } from 'node:path'
import { feedDirectory } from '../../crds/contract/desired.ts'
import { loadCalendar } from '../calendar/open.ts'
import { openGateway } from '../gateways/open.ts'
import { tuneHeap } from '../heap.ts'
import { openPublisher } from '../publish/open.ts'
import { beginAt } from './frontorder.ts'
import type { FromSession, SessionStart, ToSession } from './message.ts'
import { readAccountSecrets, readBusSecrets } from './secrets.ts'
import { Session } from './session.ts'
import { assertZone } from './zone.ts'

// A session is a child of the supervisor and lives no longer than it: the end of the channel is the end of the session.
// Signals of the terminal's group go to the supervisor, which tells its sessions what to do.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => undefined)

tuneHeap()

let session: Promise<Session> | undefined
let isStopping = false

process.on('message', (message: ToSession) => {
  if (message.type === 'start') session = begin(message.start)
  else if (message.type === 'stop') void end()
  else void session?.then(begun => begun.receive(message))
})
process.on('disconnect', () => void end())

async function begin(start: SessionStart): Promise<Session> {
  assertZone()
  const secrets = join(start.directory, feedDirectory.secrets)
  const publisher = await openPublisher(start.launch.publish, start.launch.queue, {
    feed: start.feed,
    account: start.account,
    secrets: await readBusSecrets(join(secrets, 'nats')),
    onGap: gap => send({ type: 'gap', gap }),
  })
  const begun = new Session({
    start,
    publisher,
    calendar: await loadCalendar(start.launch.calendar, start.dataDirectory),
    readSecrets: () => readAccountSecrets(join(secrets, start.account)),
    gatewayOf: (account, turn) => {
      const begin = beginAt(turn, start.launch.gateway, start.account, account)
      const accountDirectory = join(start.directory, feedDirectory.state, start.account)
      return openGateway(begin.gateway, start.account, begin.secrets, { dataDirectory: start.dataDirectory, accountDirectory })
    },
    send,
  })
  begun.start()
  return begun
}

function send(message: FromSession, done?: () => void): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => done?.())
}

async function end(): Promise<void> {
  if (isStopping) return
  isStopping = true
  const begun = await session
  await begun?.stop()
  process.exit(0)
}
