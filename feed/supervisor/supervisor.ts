import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { Account, Desired } from '../../crds/contract/desired.ts'
import type { ConsumersReport } from '../../crds/contract/feedstatus.ts'
import type { Calendar } from '../calendar/calendar.ts'
import type { FromSession, SessionEvent, SessionReport, SessionStart } from '../session/message.ts'
import type { Position } from '../session/position.ts'
import { accept, type Verdict } from './acceptance.ts'
import { type ChildEnd, SessionChild } from './child.ts'
import { Convergence } from './convergence.ts'
import { Failovers } from './failovers.ts'
import { type Fence, fenceOf } from './fence.ts'
import { Gatekeeper, type GateWanted, type OpenGate } from './gatekeeper.ts'
import { Journal } from './journal.ts'
import { Ledger } from './ledger.ts'
import type { Override, Saved, StateDirectory } from './state.ts'
import { story } from './story.ts'
import { TickTap } from './ticktap.ts'
import { TickWatch } from './tickwatch.ts'

export type SupervisorOptions = {
  saved: Saved
  state: StateDirectory
  calendar: Calendar
  log: Logger
  directory: string
  dataDirectory: string
  /** A session that says nothing for so long does not run its loop; it has ten pulses a second. */
  hungMs: number
  /** Resident set beyond which a session is replaced. */
  sessionMemoryBytes: number
}

/**
 * Moves roles, not ticks: it keeps one session process per account in the roles that the desired state gives them. Level-triggered:
 * `converge` compares what is with what is wanted and does the next thing, after every change and every report.
 */
export class Supervisor {
  readonly journal = new Journal()
  readonly tap: TickTap
  readonly children = new Map<Account, SessionChild>()
  readonly startedAt = Date.now()
  readonly calendar: Calendar
  desired: Desired
  override: Override | undefined
  readonly failovers = new Failovers()
  readonly tickWatch = new TickWatch()
  /** This process's hold on its epoch; none where nothing is published to a bus. */
  readonly fence: Fence | undefined
  readonly sessionMemoryBytes: number
  gaps = 0
  replacements = new Map<Account, number>()
  isFailoverRequired = false
  /** Who reads the stream, as it was read last. */
  consumers: ConsumersReport | undefined
  /** Receive time of each account's newest fresh tick, over the lives of its processes. */
  readonly lastTickAt = new Map<Account, number>()
  readonly #options: SupervisorOptions
  readonly #ledger: Ledger
  readonly #convergence = new Convergence(
    () => this.#pass(),
    error => this.say(story.failed(error)),
  )
  readonly #gatekeeper: Gatekeeper
  readonly #replacing = new Set<Account>()

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.calendar = options.calendar
    this.sessionMemoryBytes = options.sessionMemoryBytes
    this.desired = options.saved.desired
    this.override = options.saved.override
    this.#ledger = new Ledger(options.state, options.saved.position, error => this.say(story.unsaved(error)))
    for (const account of this.desired.launch.accounts) this.children.set(account, this.#newChild(account))
    this.fence = fenceOf(this.desired, options.state.holder(), {
      say: event => this.say(event),
      deposed: () => this.#convergence.ask(),
    })
    this.#gatekeeper = new Gatekeeper({
      children: this.children,
      wanted: () => this.#gateWanted(),
      ledger: this.#ledger,
      failovers: this.failovers,
      fence: this.fence,
      say: event => this.say(event),
      ask: () => this.#convergence.ask(),
    })
    this.tap = new TickTap(instruments => this.#tellAll(instruments))
  }

  /** Epoch in force: the watchdog's where it has moved the gate. */
  get epoch(): number {
    return this.override?.epoch ?? this.desired.epoch
  }

  /** The account whose gate is or shall be open. */
  get active(): Account {
    return this.override?.active ?? this.desired.live.active
  }

  /** Whose gate is open. */
  get openGate(): OpenGate | undefined {
    return this.#gatekeeper.open
  }

  /** Whether the gate is on its way to another account. */
  get isMoving(): boolean {
    return this.openGate !== undefined && this.openGate.account !== this.active
  }

  /** Where publishing stands; exact while no gate is open. */
  get position(): Position {
    return this.#ledger.position
  }

  /** Goes on from where another feed process stopped. Answers whether it may: not while a gate is, or shall be, open here. */
  takePosition(position: Position): boolean {
    if (this.openGate !== undefined || this.desired.live.role !== 'standby') return false
    this.#ledger.take(position)
    this.#ledger.save()
    return true
  }

  /** Whether the account's session shall run: not that of a cold standby. */
  needs(account: Account): boolean {
    return account === this.active || account === this.openGate?.account || this.desired.live.standby === 'warm'
  }

  otherThan(account: Account): Account | undefined {
    return this.desired.launch.accounts.find(other => other !== account)
  }

  start(): void {
    this.#options.state.saveDesired(this.desired)
    this.say(story.started(this.epoch, this.active))
    this.#convergence.ask()
  }

  /**
   * Takes a desired state over, or refuses it. What is accepted is on disk before anything is done about it. Answers when the roles
   * are as wanted, or when they wait for a session that is not live.
   */
  async apply(next: Desired): Promise<Verdict> {
    const askedAt = performance.now()
    const verdict = accept(next, { desired: this.desired, epoch: this.epoch, active: this.active })
    if (verdict.outcome !== 'changed') return verdict
    this.failovers.ordered(askedAt)
    const before = this.desired
    this.#options.state.saveDesired(next)
    if (this.override !== undefined && next.epoch > this.override.epoch) this.#endOverride()
    this.desired = next
    this.#tellDifference(before, next)
    const fields = { epoch: next.epoch, revision: next.revision, active: next.live.active, role: next.live.role }
    this.say({ type: 'Normal', reason: 'DesiredAccepted', message: 'a desired state was accepted', fields })
    await this.#convergence.done()
    return verdict
  }

  /** The watchdog's own flip: it holds until a desired state with a higher epoch comes. */
  async overrideWith(active: Account, reason: string): Promise<void> {
    this.failovers.ordered(performance.now())
    const override = { active, epoch: this.epoch + 1, since: Date.now(), reason }
    this.#options.state.saveOverride(override)
    this.override = override
    await this.#convergence.done()
  }

  /** Ends the account's process in good order and starts another. */
  replace(account: Account): void {
    this.replacements.set(account, (this.replacements.get(account) ?? 0) + 1)
    this.#replacing.add(account)
    this.#convergence.ask()
  }

  /** Accounts whose process runs and does not run its loop. */
  hungSessions(): Account[] {
    return [...this.children].filter(([, child]) => child.isHung(this.#options.hungMs)).map(([account]) => account)
  }

  say(event: SessionEvent): void {
    const { sequence } = this.journal.add(event)
    const level = event.type === 'Warning' ? 'warn' : 'info'
    this.#options.log[level]({ ...event.fields, reason: event.reason, sequence }, event.message)
  }

  /** Closes the gates, keeps the position, ends the sessions. */
  async stop(): Promise<void> {
    await this.fence?.close()
    await this.#convergence.stop()
    await this.#gatekeeper.close()
    this.#ledger.save()
    await Promise.all([...this.children.values()].map(child => child.stop()))
    await this.fence?.surrender()
    this.tap.close()
  }

  #newChild(account: Account): SessionChild {
    return new SessionChild({
      start: () => this.#startOf(account),
      heard: message => this.#heard(account, message),
      up: () => {
        this.tap.repeat()
        this.#convergence.ask()
      },
      gone: (expected, end) => this.#gone(account, expected, end),
    })
  }

  #startOf(account: Account): SessionStart {
    const { directory, dataDirectory } = this.#options
    const { feed, launch, live } = this.desired
    const { rateLimits, instrumentGroups } = live
    return { feed, account, launch, rateLimits, instrumentGroups, directory, dataDirectory }
  }

  #heard(account: Account, message: Exclude<FromSession, { type: 'opened' | 'closed' }>): void {
    switch (message.type) {
      case 'report':
        this.#sawReport(account, message.report)
        break
      case 'first':
        this.#sawFirst(account, message.epoch)
        break
      case 'checkpoint':
        if (this.openGate?.account === account) this.#ledger.keep(message.position)
        break
      case 'ticks':
        this.tap.push(message.ticks, message.dropped)
        break
      case 'gap':
        this.gaps++
        this.say(story.gap(account, message.gap))
        break
      case 'event':
        this.say({ ...message.event, fields: { account, ...message.event.fields } })
        break
    }
  }

  #sawReport(account: Account, { status }: SessionReport): void {
    if (status.lastTickAt !== undefined) this.lastTickAt.set(account, status.lastTickAt)
    this.#convergence.ask()
  }

  #gone(account: Account, expected: boolean, end: ChildEnd): void {
    const hadGate = this.#gatekeeper.gone(account, !expected)
    if (expected) return
    this.say(story.died(account, end))
    if (account === this.active && (hadGate || this.#mayPublish())) this.#succeed(account)
    this.#convergence.ask()
  }

  // Nobody publishes here, and nobody else does: the account that died had not come to it yet.
  #mayPublish(): boolean {
    return this.openGate === undefined && this.fence?.deposedBy(this.epoch) === undefined
  }

  // The other account goes on at once, where it is live: the dead one's process takes seconds to start, log in and subscribe.
  #succeed(account: Account): void {
    const to = this.otherThan(account)
    const { role, watchdog } = this.desired.live
    if (to === undefined || role === 'standby' || !watchdog.enabled || this.#convergence.isStopped) return
    if (this.children.get(to)?.report?.status.state !== 'live') return
    this.overrideWith(to, `the session of ${account} died`).catch(error => this.say(story.failed(error)))
  }

  #sawFirst(account: Account, epoch: number): void {
    const record = this.failovers.ticked(account, epoch)
    if (record !== undefined) this.say(story.failedOver(record))
  }

  #tellDifference(before: Desired, next: Desired): void {
    const { rateLimits, instrumentGroups } = next.live
    if (!isDeepStrictEqual(rateLimits, before.live.rateLimits))
      for (const child of this.children.values()) child.tell({ type: 'rateLimits', rateLimits })
    if (instrumentGroups !== before.live.instrumentGroups)
      for (const child of this.children.values()) child.tell({ type: 'instruments', instrumentGroups })
  }

  #tellAll(instruments: string[] | undefined): void {
    for (const child of this.children.values())
      child.tell(instruments === undefined ? { type: 'tap' } : { type: 'tap', instruments })
  }

  #endOverride(): void {
    this.override = undefined
    this.#options.state.saveOverride(undefined)
  }

  #gateWanted(): GateWanted {
    const why = this.override?.reason ?? 'declared'
    return { role: this.desired.live.role, account: this.active, epoch: this.epoch, why }
  }

  async #pass(): Promise<void> {
    await this.#replaceGrown()
    await this.#runWanted()
    await this.#gatekeeper.converge()
  }

  async #replaceGrown(): Promise<void> {
    for (const account of this.#replacing) {
      this.#replacing.delete(account)
      if (this.openGate?.account === account) await this.#gatekeeper.close()
      await this.children.get(account)?.stop()
    }
  }

  async #runWanted(): Promise<void> {
    for (const [account, child] of this.children) {
      if (this.needs(account)) child.want()
      else await child.stop()
    }
  }
}
