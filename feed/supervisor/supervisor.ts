import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { Account, Desired } from '../../crds/contract/desired.ts'
import { asFault } from '../../crds/contract/fault.ts'
import type { FailoverRecord } from '../../crds/contract/feedstatus.ts'
import type { Gap } from '../../crds/contract/tick.ts'
import type { Calendar } from '../calendar/calendar.ts'
import type { FromSession, SessionEvent, SessionReport, SessionStart } from '../session/message.ts'
import { accept, type Verdict } from './acceptance.ts'
import { SessionChild } from './child.ts'
import { closeOrFence, openOrFence } from './flip.ts'
import { Journal } from './journal.ts'
import { Ledger } from './ledger.ts'
import type { Override, Saved, StateDirectory } from './state.ts'
import { TickTap } from './ticktap.ts'

const retryMs = 500

/** A session reports every second; one that has not for so long does not run its loop. */
const hungMs = 10_000

export type SupervisorOptions = {
  saved: Saved
  state: StateDirectory
  calendar: Calendar
  log: Logger
  directory: string
  dataDirectory: string
}

/** Whose gate is open. */
export type OpenGate = { account: Account; epoch: number }

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
  lastFailover: FailoverRecord | undefined
  failovers = 0
  gaps = 0
  isFailoverRequired = false
  /** Receive time of each account's newest fresh tick, over the lives of its processes. */
  readonly lastTickAt = new Map<Account, number>()
  openGate: OpenGate | undefined
  readonly #options: SupervisorOptions
  readonly #ledger: Ledger
  #isConverging = false
  #isDirty = false
  #isStopping = false
  #askedAt = performance.now()
  #pendingSaid = ''
  #waiters: (() => void)[] = []

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.calendar = options.calendar
    this.desired = options.saved.desired
    this.override = options.saved.override
    this.#ledger = new Ledger(options.state, options.saved.position, error => this.#sayUnsaved(error))
    for (const account of this.desired.launch.accounts) this.children.set(account, this.#newChild(account))
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

  start(): void {
    this.#options.state.saveDesired(this.desired)
    this.say({
      type: 'Normal',
      reason: 'Started',
      message: 'the feed started',
      fields: { epoch: this.epoch, active: this.active },
    })
    this.#converge()
  }

  /**
   * Takes a desired state over, or refuses it. What is accepted is on disk before anything is done about it. Answers when the roles
   * are as wanted, or when they wait for a session that is not live.
   */
  async apply(next: Desired): Promise<Verdict> {
    const askedAt = performance.now()
    const verdict = accept(next, { desired: this.desired, epoch: this.epoch, active: this.active })
    if (verdict.outcome !== 'changed') return verdict
    this.#askedAt = askedAt
    const before = this.desired
    this.#options.state.saveDesired(next)
    if (this.override !== undefined && next.epoch > this.override.epoch) this.#endOverride()
    this.desired = next
    this.#tellDifference(before, next)
    const fields = { epoch: next.epoch, revision: next.revision, active: next.live.active, role: next.live.role }
    this.say({ type: 'Normal', reason: 'DesiredAccepted', message: 'a desired state was accepted', fields })
    await this.#converged()
    return verdict
  }

  /** The watchdog's own flip: it holds until a desired state with a higher epoch comes. */
  async overrideWith(active: Account, reason: string): Promise<void> {
    this.#askedAt = performance.now()
    const override = { active, epoch: this.epoch + 1, since: Date.now(), reason }
    this.#options.state.saveOverride(override)
    this.override = override
    await this.#converged()
  }

  /** Accounts whose process runs and has not reported for ten seconds. */
  hungSessions(now: number): Account[] {
    return [...this.children].filter(([, child]) => child.isUp && now - child.reportedAt > hungMs).map(([account]) => account)
  }

  say(event: SessionEvent): void {
    const { sequence } = this.journal.add(event)
    const level = event.type === 'Warning' ? 'warn' : 'info'
    this.#options.log[level]({ ...event.fields, reason: event.reason, sequence }, event.message)
  }

  /** Closes the gates, keeps the position, ends the sessions. */
  async stop(): Promise<void> {
    this.#isStopping = true
    while (this.#isConverging) await delay(5)
    await this.#closeGate()
    this.#ledger.save()
    await Promise.all([...this.children.values()].map(child => child.stop()))
    this.tap.close()
  }

  #newChild(account: Account): SessionChild {
    return new SessionChild({
      start: () => this.#startOf(account),
      heard: message => this.#heard(account, message),
      up: () => {
        this.tap.repeat()
        this.#converge()
      },
      gone: (expected, code, signal) => this.#gone(account, expected, code, signal),
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
        this.#sawGap(account, message.gap)
        break
      case 'event':
        this.say({ ...message.event, fields: { account, ...message.event.fields } })
        break
    }
  }

  #sawReport(account: Account, { status }: SessionReport): void {
    if (status.lastTickAt !== undefined) this.lastTickAt.set(account, status.lastTickAt)
    this.#converge()
  }

  #gone(account: Account, expected: boolean, code: number | null, signal: NodeJS.Signals | null): void {
    if (this.openGate?.account === account) {
      this.openGate = undefined
      this.#ledger.lost()
    }
    if (expected) return
    const fields = { account, ...(code === null ? {} : { code }), ...(signal === null ? {} : { signal }) }
    this.say({ type: 'Warning', reason: 'SessionDied', message: 'a session process died', fields })
    this.#converge()
  }

  #sawFirst(account: Account, epoch: number): void {
    const record = this.lastFailover
    if (record === undefined || record.to !== account || record.epoch !== epoch) return
    if (record.phases.firstTickMs !== undefined) return
    record.phases.firstTickMs = performance.now() - this.#askedAt
    const { closedMs = 0, openedMs = 0, firstTickMs } = record.phases
    const fields = { from: record.from, to: record.to, epoch, why: record.reason, closedMs, openedMs, firstTickMs }
    this.say({ type: 'Normal', reason: 'FailedOver', message: 'the other account publishes', fields })
  }

  #sayUnsaved(error: unknown): void {
    const fields = { detail: asFault(error).message }
    this.say({ type: 'Warning', reason: 'PositionUnsaved', message: 'the position cannot be written', fields })
  }

  #sawGap(account: Account, gap: Gap): void {
    this.gaps++
    const { epoch, from, to, reason, instrumentCount } = gap
    const fields = { account, epoch, from, to, why: reason, instrumentCount }
    this.say({ type: 'Warning', reason: 'Gap', message: 'ticks may be missing', fields })
  }

  #tellDifference(before: Desired, next: Desired): void {
    const { rateLimits, instrumentGroups } = next.live
    if (!isDeepStrictEqual(rateLimits, before.live.rateLimits))
      for (const child of this.children.values()) child.tell({ type: 'rateLimits', rateLimits })
    if (!isDeepStrictEqual(instrumentGroups, before.live.instrumentGroups))
      for (const child of this.children.values()) child.tell({ type: 'instruments', instrumentGroups })
    for (const child of this.children.values()) child.tell({ type: 'retry' })
  }

  #tellAll(instruments: string[] | undefined): void {
    for (const child of this.children.values())
      child.tell(instruments === undefined ? { type: 'tap' } : { type: 'tap', instruments })
  }

  #endOverride(): void {
    this.override = undefined
    this.#options.state.saveOverride(undefined)
  }

  #converged(): Promise<void> {
    const done = new Promise<void>(resolve => this.#waiters.push(resolve))
    this.#converge()
    return done
  }

  // One pass at a time; what happens meanwhile leads to another pass.
  #converge(): void {
    this.#isDirty = true
    if (!this.#isConverging && !this.#isStopping) void this.#run()
  }

  async #run(): Promise<void> {
    this.#isConverging = true
    while (this.#isDirty && !this.#isStopping) {
      this.#isDirty = false
      const waiters = this.#waiters
      this.#waiters = []
      await this.#pass().catch(error => this.#failed(error))
      for (const done of waiters) done()
    }
    this.#isConverging = false
  }

  #failed(error: unknown): void {
    const { reason, message } = asFault(error)
    this.say({
      type: 'Warning',
      reason: 'ConvergeFailed',
      message: 'a step failed and is tried again',
      fields: { why: reason, message },
    })
    setTimeout(() => this.#converge(), retryMs).unref()
  }

  async #pass(): Promise<void> {
    await this.#runWanted()
    if (this.desired.live.role === 'standby') await this.#closeGate()
    else await this.#openWanted()
  }

  async #runWanted(): Promise<void> {
    for (const [account, child] of this.children) {
      const isNeeded = account === this.active || account === this.openGate?.account || this.desired.live.standby === 'warm'
      if (isNeeded) child.want()
      else await child.stop()
    }
  }

  async #closeGate(): Promise<void> {
    const child = this.openGate && this.children.get(this.openGate.account)
    if (child === undefined) return
    this.#ledger.take(await closeOrFence(child, this.#ledger.position))
    this.openGate = undefined
  }

  async #openWanted(): Promise<void> {
    const { active, epoch, openGate } = this
    const child = this.children.get(active)
    if (child === undefined || !child.isUp) return
    if (openGate?.account === active && openGate.epoch === epoch) return
    if (openGate === undefined || openGate.account === active) await this.#openGateOf(active, child, 'Restart')
    else if (this.#mayFlip(openGate.account, child)) await this.#flip(openGate.account, child)
    else this.#sayPending(openGate.account)
  }

  // What is on disk says from here on that more may have been published than it names.
  async #openGateOf(account: Account, child: SessionChild, reason: 'Flip' | 'Restart'): Promise<void> {
    const { epoch } = this
    await openOrFence(child, { epoch, position: this.#ledger.position, reason })
    this.openGate = { account, epoch }
    this.#ledger.opened()
    this.say({ type: 'Normal', reason: 'GateOpened', message: 'an account publishes', fields: { account, epoch } })
  }

  // Ticks go on from the old account until the new one is live; where the old one is not live either, nothing is lost by flipping.
  #mayFlip(from: Account, to: SessionChild): boolean {
    return to.report?.status.state === 'live' || this.children.get(from)?.report?.status.state !== 'live'
  }

  async #flip(from: Account, child: SessionChild): Promise<void> {
    const { active: to, epoch } = this
    const phases: FailoverRecord['phases'] = {}
    const record: FailoverRecord = { from, to, epoch, reason: this.override?.reason ?? 'declared', at: Date.now(), phases }
    this.#pendingSaid = ''
    await this.#closeGate()
    phases.closedMs = performance.now() - this.#askedAt
    this.lastFailover = record
    this.failovers++
    await this.#openGateOf(to, child, 'Flip')
    phases.openedMs = performance.now() - this.#askedAt
    this.#isDirty = true
  }

  #sayPending(from: Account): void {
    const { active: to } = this
    const said = `${from} ${to} ${this.epoch}`
    if (this.#pendingSaid === said) return
    this.#pendingSaid = said
    this.say({
      type: 'Warning',
      reason: 'FlipPending',
      message: 'the flip waits until the other account is live',
      fields: { from, to },
    })
  }
}
