import { type Account, type Desired, desiredSchema, feedDirectory } from '../../crds/contract/desired.ts'
import { digestOf } from '../../crds/contract/digest.ts'
import { transient } from '../../crds/contract/fault.ts'
import type { FeedEvent, FeedReport, SessionStatus } from '../../crds/contract/feedstatus.ts'
import type { RetryRequest } from '../../crds/contract/subscriptions.ts'
import type { FeedClient } from '../kinds/feed/ports.ts'
import type { Clock } from '../runtime/clock.ts'
import { type SimulatedBus, SimulatedLine } from './bus.ts'
import type { SimulatedWorkload } from './workload.ts'

/** How a feed behaves. `slow` logs in after 3 s, `good` after 100 ms. */
export type Behaviour = 'good' | 'slow' | 'never-logs-in'

const loginMs: Record<Behaviour, number> = { good: 100, slow: 3000, 'never-logs-in': Number.POSITIVE_INFINITY }

/** Where feeds that run are reached, and what all of them share. */
export type FeedWorld = {
  clock: Clock
  running: Map<string, SimulatedFeed>
  /** Accounts whose front does not answer. */
  deadAccounts: Set<Account>
  /** Whether there is a session, and until when; always one where it is left out. */
  market?: FeedReport['market'] | undefined
  /** What a flip takes until its first tick, as feeds tell it; without end where none comes. */
  flipMs?: number | undefined
  /** Feeds whose control port does not answer. */
  isMute: boolean
  /** A stranger's claim on the bus: the feed publishes in a higher epoch only. */
  rival?: { holder: string; epoch: number; released?: true }
  /** What all of them publish. */
  bus?: SimulatedBus
  /** Told of each state that a feed takes over. */
  onAccepted: (feed: SimulatedFeed) => void
}

/** A feed process as its controller sees it: what it was told, whose gate is open, and what its watchdog chose. */
export class SimulatedFeed {
  readonly workload: SimulatedWorkload
  desired: Desired
  override: FeedReport['override']
  gate: { account: Account; epoch: number } | undefined
  /** What it was asked to subscribe again. */
  readonly retried: RetryRequest[] = []
  /** Accounts that their front has locked: not tried again before somebody asks for it. */
  readonly locked = new Set<Account>()
  /** Tokens with which another login was asked for. */
  readonly loginTokens: string[] = []
  /** It takes over everything but the rate limits, as one that does not know them. */
  isOlder = false
  /** Whether the front lets locked accounts in again. */
  isUnlocked = false
  /** The last flip, complete at once. */
  lastFailover: FeedReport['lastFailover']
  /** Gaps that it has recorded. */
  gaps = 0
  /** What it reads of the consumers of its stream; a feed with any publishes to one. */
  consumers: FeedReport['consumers']
  /** What its watchdog finds silent. */
  silentGroups: FeedReport['silentGroups']
  /** What its sessions tell otherwise than they would. */
  readonly told = new Map<Account, Partial<SessionStatus>>()
  /** What it has told, as its journal has it. */
  readonly events: FeedEvent[] = []
  readonly #world: FeedWorld
  readonly #behaviour: Behaviour
  readonly #startedAt: number
  readonly #line: SimulatedLine

  constructor(workload: SimulatedWorkload, behaviour: Behaviour, world: FeedWorld) {
    this.workload = workload
    this.#behaviour = behaviour
    this.#world = world
    this.#startedAt = world.clock.now()
    this.desired = newest(read(workload, feedDirectory.desired), read(workload, acceptedPath))
    const saved = workload.files.get(overridePath)
    const override = saved === undefined ? undefined : (JSON.parse(saved) as FeedReport['override'])
    this.override = override && override.epoch >= this.desired.epoch ? override : undefined
    this.#line = new SimulatedLine(world.bus, workload)
    this.#save()
  }

  get epoch(): number {
    return this.override?.epoch ?? this.desired.epoch
  }

  get active(): Account {
    return this.override?.active ?? this.desired.live.active
  }

  /** Whether it publishes: its account is live and its gate open. */
  get isPublishing(): boolean {
    this.#moveGate()
    return this.gate !== undefined && this.#isLive(this.gate.account)
  }

  /** As `feed/supervisor/acceptance.ts` has it. */
  accept(next: Desired): void {
    if (digestOf(next.launch) !== digestOf(this.desired.launch)) throw refused('LaunchChanged')
    if (!next.launch.accounts.includes(next.live.active)) throw refused('AccountUnknown')
    if (next.epoch < this.epoch) throw refused(`StaleEpoch ${next.epoch} < ${this.epoch}`)
    const movesGate = next.live.active !== this.active || next.live.role !== this.desired.live.role
    if (next.epoch === this.epoch && movesGate) throw refused('StaleEpoch: the gate moves')
    this.#moveGate()
    if (this.override && next.epoch > this.override.epoch) this.override = undefined
    const { rateLimits } = this.desired.live
    this.desired = this.isOlder ? { ...next, live: { ...next.live, rateLimits } } : next
    this.#save()
    this.#moveGate()
  }

  /** Where its publishing stands, as text. */
  position(): string {
    this.#moveGate()
    return this.#line.position()
  }

  takePosition(text: string): void {
    this.#moveGate()
    if (this.gate || this.desired.live.role === 'publisher') throw refused('GateOpen')
    this.#line.take(text)
  }

  /** Its process is gone: what it has published until now is on the bus. */
  gone(): void {
    this.#moveGate()
    this.#line.end()
  }

  /** The watchdog moves the gate. */
  flip(): void {
    const to = this.active === 'primary' ? 'backup' : 'primary'
    if (this.desired.live.role === 'standby') return
    if (!this.desired.launch.accounts.includes(to) || !this.#isLive(to)) return
    this.override = { active: to, epoch: this.epoch + 1, since: this.#world.clock.now(), reason: 'silence' }
    this.#save()
  }

  /** Asks its front for subscriptions again. */
  resubscribe(request: RetryRequest): void {
    this.retried.push(request)
  }

  /** Locked accounts try once more. */
  retryLogins(token: string): void {
    this.loginTokens.push(token)
    if (this.isUnlocked) this.locked.clear()
  }

  report(): FeedReport {
    this.#moveGate()
    const { desired, override, epoch } = this
    return {
      ...{ feed: desired.feed, version: 'simulated', startedAt: this.#startedAt, pid: 1, revision: desired.revision, epoch },
      role: desired.live.role,
      active: this.gate?.account ?? this.active,
      launchDigest: digestOf(desired.launch),
      liveDigest: digestOf(desired.live),
      ...(override && { override }),
      sessions: desired.launch.accounts.map(account => this.#session(account)),
      market: this.#world.market ?? { open: true },
      ...(this.silentGroups && { silentGroups: this.silentGroups }),
      publisher: { type: this.consumers ? 'jetstream' : 'none', connected: true, outbox: 0 },
      ...(this.consumers && { consumers: { at: this.#world.clock.now(), ...this.consumers } }),
      ...(this.lastFailover && { lastFailover: this.lastFailover }),
      ...(this.#deposedBy && { fence: { state: 'deposed', holder: this.workload.name, by: this.#deposedBy } }),
      gaps: this.gaps,
      lastEvent: this.events.at(-1)?.sequence ?? 0,
    }
  }

  #moveGate(): void {
    if (this.desired.live.role === 'standby' || this.#deposedBy) this.gate = undefined
    else if (this.#isLive(this.active)) this.#open(this.active)
    this.#line.turn(this.gate?.epoch)
  }

  get #deposedBy() {
    const { rival } = this.#world
    return this.desired.live.role === 'publisher' && rival && rival.epoch >= this.epoch ? rival : undefined
  }

  #open(account: Account): void {
    const { epoch } = this
    if (this.gate && this.gate.account !== account) {
      const { flipMs = 3 } = this.#world
      const phases = { closedMs: 1, openedMs: 2, ...(Number.isFinite(flipMs) && { firstTickMs: flipMs }) }
      const at = this.#world.clock.now() - 1
      this.lastFailover = { from: this.gate.account, to: account, epoch, reason: 'declared', at, phases }
    }
    this.gate = { account, epoch }
  }

  #isLive(account: Account): boolean {
    const { clock, deadAccounts } = this.#world
    return !this.locked.has(account) && !deadAccounts.has(account) && clock.now() - this.#startedAt >= loginMs[this.#behaviour]
  }

  #session(account: Account): SessionStatus {
    const desired = this.desired.live.instrumentGroups.reduce((sum, { instruments }) => sum + instruments.length, 0)
    const isLive = this.#isLive(account)
    const seen = isLive ? desired : 0
    const counts = { restarts: 0, received: 0, published: 0, dropped: 0, conflated: 0, ticksPerSecond: 0, rejections: [] }
    return {
      ...{ account, state: isLive ? 'live' : 'connecting', since: this.#startedAt, ...counts },
      ...(this.locked.has(account) && { state: 'waiting', reason: 'AccountLocked', message: 'locked', errorId: 75 }),
      gate: this.gate?.account === account ? 'open' : 'closed',
      subscriptions: { desired, acknowledged: seen, ticking: seen, rejected: 0 },
      ...(isLive && { lastTickAt: this.#world.clock.now() }),
      ...this.told.get(account),
    }
  }

  #save(): void {
    this.workload.files.set(acceptedPath, JSON.stringify(this.desired))
    if (this.override) this.workload.files.set(overridePath, JSON.stringify(this.override))
    else this.workload.files.delete(overridePath)
    this.#world.onAccepted(this)
  }
}

/** The client of the feeds in the world. */
export function simulatedClient(world: FeedWorld): FeedClient {
  const at = (endpoint: string) => {
    const feed = world.running.get(endpoint)
    if (!feed || world.isMute) throw transient('FeedUnreachable', `${endpoint} does not answer`)
    return feed
  }
  return {
    report: async endpoint => at(endpoint).report(),
    events: async (endpoint, _token, after) => at(endpoint).events.filter(({ sequence }) => sequence > after),
    position: async endpoint => at(endpoint).position(),
    takePosition: async (endpoint, _token, position) => at(endpoint).takePosition(position),
    push: async (endpoint, _token, desired) => at(endpoint).accept(desiredSchema.parse(JSON.parse(JSON.stringify(desired)))),
    resubscribe: async (endpoint, _token, request) => at(endpoint).resubscribe(request),
    retryLogins: async (endpoint, _token, { token }) => at(endpoint).retryLogins(token),
  }
}

const acceptedPath = `${feedDirectory.state}/desired.json`
const overridePath = `${feedDirectory.state}/override.json`

function read(workload: SimulatedWorkload, path: string): Desired | undefined {
  const text = workload.files.get(path)
  return text === undefined ? undefined : desiredSchema.parse(JSON.parse(text))
}

/** As `feed/supervisor/state.ts` has it: the accepted one, unless the controller's file is newer. */
function newest(given: Desired | undefined, accepted: Desired | undefined): Desired {
  const [first, second] = [given, accepted]
  if (!first || !second) {
    const only = first ?? second
    if (!only) throw new Error('a feed was started without a desired state')
    return only
  }
  if (first.epoch !== second.epoch) return first.epoch > second.epoch ? first : second
  return first.revision > second.revision ? first : second
}

const refused = (detail: string) => transient('FeedRefused', detail)
