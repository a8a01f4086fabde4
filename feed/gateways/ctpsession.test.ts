import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Tick } from '../../crds/contract/tick.ts'
import type { FromSession, SessionReport, SessionStart, ToSession } from '../session/message.ts'
import { emptyPosition } from '../session/position.ts'
import { groupOf } from '../session/testing.ts'
import { startSimulator } from '../simulator/simulator.ts'
import { desiredWith } from '../supervisor/testing.ts'

const root = join(import.meta.dirname, '../..')
const instruments = ['AP007', 'no-such-1']
const universe = [join(root, 'feed/simulator/testdata.json')]

/** A copy of this installation with a package napi-ctp in it, as the image has one; here the stand-in. */
async function install(place: string): Promise<void> {
  for (const part of ['crds', 'feed', 'package.json']) await cp(join(root, part), join(place, part), { recursive: true })
  await mkdir(join(place, 'node_modules/napi-ctp'), { recursive: true })
  for (const name of await readdir(join(root, 'node_modules')))
    await symlink(join(root, 'node_modules', name), join(place, 'node_modules', name))
  const manifest = { name: 'napi-ctp', type: 'module', main: 'index.js' }
  await writeFile(join(place, 'node_modules/napi-ctp/package.json'), JSON.stringify(manifest))
  await writeFile(join(place, 'node_modules/napi-ctp/index.js'), `export * from '../../feed/gateways/napictp/standin.ts'`)
}

let place: string
beforeAll(async () => {
  place = await mkdtemp(join(await realpath(tmpdir()), 'feedplane-installation-'))
  await install(place)
})
afterAll(() => rm(place, { recursive: true, force: true }))

/** The process of a session, and what it has said. */
class SessionProcess {
  readonly heard: FromSession[] = []
  readonly exit: Promise<unknown[]>
  readonly #child: ChildProcess
  #waiting: (() => void)[] = []

  constructor(installation: string, start: SessionStart) {
    this.#child = fork(join(installation, 'feed/session/main.ts'), [start.account], {
      serialization: 'advanced',
      execArgv: [],
      env: { TZ: 'Asia/Shanghai', PATH: process.env.PATH, TMPDIR: join(start.directory, 'tmp') },
    })
    this.exit = once(this.#child, 'exit')
    this.#child.on('message', (message: FromSession) => {
      this.heard.push(message)
      for (const wake of this.#waiting.splice(0)) wake()
    })
    this.tell({ type: 'start', start })
  }

  tell(message: ToSession): void {
    this.#child.send(message)
  }

  async stop(): Promise<unknown> {
    if (this.#child.connected) this.tell({ type: 'stop' })
    const [code] = await this.exit
    return code
  }

  async report(holds: (status: SessionReport['status'], report: SessionReport) => boolean): Promise<SessionReport> {
    for (;;) {
      const newest = this.heard.findLast(message => message.type === 'report')
      if (newest !== undefined && holds(newest.report.status, newest.report)) return newest.report
      await this.more()
    }
  }

  ticks(): Tick[] {
    return this.heard.flatMap(message => (message.type === 'ticks' ? message.ticks : []))
  }

  more(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }
}

describe('a session with the ctp gateway', () => {
  let simulator: Awaited<ReturnType<typeof startSimulator>>
  let directory: string
  let running: SessionProcess | undefined

  beforeEach(async () => {
    const accounts = [{ BROKER_ID: '9999', USER_ID: 'alice', PASSWORD: 'correct' }]
    simulator = await startSimulator({ universe, rate: 20, accounts, controlPort: 0 })
    directory = await mkdtemp(join(tmpdir(), 'feedplane-session-'))
    for (const part of ['secrets/primary', 'tmp']) await mkdir(join(directory, part), { recursive: true })
    for (const [key, value] of Object.entries(accounts[0] ?? {})) await writeFile(join(directory, 'secrets/primary', key), value)
  })
  afterEach(async () => {
    await running?.stop()
    await simulator.stop()
    await rm(directory, { recursive: true, force: true })
  })

  function run(installation: string): SessionProcess {
    const { feed, launch, live } = desiredWith({})
    running = new SessionProcess(installation, {
      feed,
      account: 'primary',
      launch: { ...launch, gateway: { type: 'ctp', fronts: { primary: [`tcp://127.0.0.1:${simulator.ports[0]}`] } } },
      rateLimits: { ...live.rateLimits, subscribeRequestsPerSecond: 100 },
      instrumentGroups: [groupOf(instruments)],
      directory,
      dataDirectory: directory,
    })
    return running
  }

  const isLive = ({ state, subscriptions }: SessionReport['status']) => state === 'live' && subscriptions.acknowledged === 1
  const cut = () =>
    fetch(`http://127.0.0.1:${simulator.control}/faults`, { method: 'POST', body: JSON.stringify({ cut: { all: true } }) })

  it('publishes ticks, and leaves with its process when it is told to stop', async () => {
    const session = run(place)
    const { status } = await session.report(isLive)
    expect(status).toMatchObject({ subscriptions: { desired: 2, acknowledged: 1, rejected: 1 } })
    expect(status.rejections).toEqual([{ instrument: 'no-such-1', reason: expect.stringContaining('instrument not found') }])
    expect(status.tradingDay).toMatch(/^\d{8}$/)
    session.tell({ type: 'tap', instruments: [] })
    session.tell({ type: 'open', id: 1, epoch: 1, position: emptyPosition(Date.now()), reason: 'Restart' })
    while (session.ticks().length < 5) await session.more()
    expect(session.ticks().map(({ instrument, epoch }) => [instrument, epoch])).toContainEqual(['AP007', 1])
    expect(session.ticks().at(-1)).toMatchObject({
      settlement: null,
      tradingDay: status.tradingDay,
      exchangeTime: expect.any(String),
    })
    expect(await session.stop()).toBe(0)
  })

  it('replays login and subscriptions when the library has reconnected', async () => {
    const session = run(place)
    await session.report(isLive)
    await cut()
    const { status } = await session.report((now, { counters }) => counters.reconnects === 1 && isLive(now))
    expect(status.subscriptions.acknowledged).toBe(1)
  })

  it('ends its process for a new connection, as one process has one native object', async () => {
    const session = run(place)
    await session.report(isLive)
    session.tell({ type: 'reconnect', reason: 'a test' })
    expect((await session.exit)[0]).toBe(0)
  })

  it("leaves the library's files in the account's directory, for its next process to begin anew in, and none elsewhere", async () => {
    const flowPath = join(directory, 'state/primary/ctp')
    await mkdir(flowPath, { recursive: true })
    await writeFile(join(flowPath, 'DialogRsp.con'), 'of a process that was killed')
    await run(place).report(isLive)
    expect(await readdir(flowPath)).toEqual([])
    expect(await readdir(join(directory, 'tmp'))).toEqual([])
  })

  it('reports the missing package as a state that only another image ends', async () => {
    const session = run(root)
    const { status } = await session.report(({ state }) => state === 'failed')
    expect(status.reason).toBe('GatewayUnavailable')
    expect(status.message).toContain('NAPI_CTP')
  })
})
