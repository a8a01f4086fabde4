import type { Account, Desired } from '../../crds/contract/desired.ts'
import type { FeedEvent, SessionStatus } from '../../crds/contract/feedstatus.ts'
import type { FaultRequest } from '../../feed/simulator/faultorder.ts'
import { type Simulator, startSimulator } from '../../feed/simulator/simulator.ts'
import { until } from '../services/deadline.ts'
import { temporaryDirectory } from '../services/directory.ts'
import { desiredOn, groupsOf } from './desired.ts'
import { FeedProcess } from './feedprocess.ts'

const accounts = ['primary', 'backup'].map(user => ({ BROKER_ID: '9999', USER_ID: user, PASSWORD: `password-of-${user}` }))

type Directory = Awaited<ReturnType<typeof temporaryDirectory>>

/** A simulator and a feed process on it, with nothing started but the simulator. */
export class FeedStage {
  readonly simulator: Simulator
  readonly feed: FeedProcess
  desired: Desired
  readonly #directory: Directory

  static async open(instruments: number): Promise<FeedStage> {
    const simulator = await startSimulator({ instruments, rate: 2, controlPort: 0, accounts })
    const directory = await temporaryDirectory('feed')
    return new FeedStage(simulator, directory, desiredOn(simulator.ports[0] ?? 0, await groupsOf(instruments)))
  }

  constructor(simulator: Simulator, directory: Directory, desired: Desired) {
    this.simulator = simulator
    this.#directory = directory
    this.feed = new FeedProcess(directory.path)
    this.desired = desired
  }

  async close(): Promise<void> {
    await this.feed.stop()
    await this.simulator.stop()
    await this.#directory.remove()
  }

  /** Starts the feed and waits until it serves, with both accounts live. */
  async serve(environment: Record<string, string> = {}): Promise<void> {
    await this.feed.prepare(this.desired)
    await this.feed.start(environment)
    await this.serves()
  }

  async serves(): Promise<void> {
    await until('the feed to be ready', () => this.feed.isReady())
    for (const account of ['primary', 'backup'] as const)
      await this.sessionThat('live', account, ({ state, lastTickAt }) => state === 'live' && lastTickAt !== undefined)
  }

  async session(account: Account): Promise<SessionStatus> {
    const session = (await this.feed.status()).sessions.find(one => one.account === account)
    if (session === undefined) throw new Error(`the report lacks ${account}`)
    return session
  }

  sessionThat(what: string, account: Account, holds: (session: SessionStatus) => boolean): Promise<SessionStatus> {
    return until(`${account} to be ${what}`, async () => {
      const session = await this.session(account)
      return holds(session) && session
    })
  }

  eventOf(reason: string, deadlineMs?: number): Promise<FeedEvent> {
    const find = async () => (await this.feed.events()).find(event => event.reason === reason)
    return until(`the event ${reason}`, find, deadlineMs)
  }

  async order(faults: FaultRequest): Promise<void> {
    const request = { method: 'POST', body: JSON.stringify(faults) }
    const response = await fetch(`http://127.0.0.1:${this.simulator.control}/faults`, request)
    if (!response.ok) throw new Error(`the simulator refuses the order: ${await response.text()}`)
  }

  async counters(): Promise<Record<string, number>> {
    const response = await fetch(`http://127.0.0.1:${this.simulator.control}/state`)
    return ((await response.json()) as { counters: Record<string, number> }).counters
  }

  /** The value of a sample, by the beginning of its line. */
  async metric(name: string): Promise<number | undefined> {
    const text = await (await this.feed.get('/metrics', {})).text()
    const line = text.split('\n').find(one => one.startsWith(name))
    return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1))
  }
}
