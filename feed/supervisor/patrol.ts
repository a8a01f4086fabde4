import type { Account } from '../../crds/contract/desired.ts'
import { asFault, type Fault } from '../../crds/contract/fault.ts'
import { isGivenUp } from '../../crds/contract/feedstatus.ts'
import { marketAt, windowsOf } from './market.ts'
import { memoryStep } from './memory.ts'
import { coverageOf } from './readiness.ts'
import type { Supervisor } from './supervisor.ts'
import type { SessionSight } from './tickwatch.ts'
import { type Decision, decide, type GroupSight, type Seat, type Watch } from './watchdog.ts'

/** Sessions send ten pulses a second: a stall is seen within 150 ms. */
const patrolMs = 50
const memoryMs = 1000
/** Where our own loop was blocked for so long, what the sessions have said since is not yet read. */
const ownDelayMs = 500
/** A session that grows is replaced once in this time: a bound that is too low must not end all sessions in turn. */
const replaceMs = 600_000

/** Looks after the sessions: kills one that hangs, replaces one that grows, and acts on silence as the watchdog decides. */
export class Patrol {
  readonly #supervisor: Supervisor
  readonly #timer: NodeJS.Timeout
  /** Of accounts that were told to reconnect: when, and at which silence. */
  readonly #reconnected = new Map<Account, { at: number; silenceMs: number }>()
  readonly #replacedAt = new Map<Account, number>()
  #said = new Set<string>()
  #lookedAt = performance.now()
  #weighedAt = 0
  #flippedAt: number | undefined

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor
    this.#flippedAt = supervisor.override?.since
    this.#timer = setInterval(() => this.#look(), patrolMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const now = performance.now()
    const wasBlocked = now - this.#lookedAt > patrolMs + ownDelayMs
    this.#lookedAt = now
    if (wasBlocked) return
    this.#killHung()
    if (now - this.#weighedAt >= memoryMs) {
      this.#weighedAt = now
      this.#weigh(now)
    }
    this.#watch(Date.now())
  }

  #watch(now: number): void {
    const { openGate, desired, tickWatch, calendar } = this.#supervisor
    const { watchdog, instrumentGroups, role } = desired.live
    const thresholdMs = watchdog.thresholdSeconds * 1000
    const sessions = desired.launch.accounts.map(account => this.#sightOf(account))
    const groups = tickWatch.look(instrumentGroups, calendar, thresholdMs, sessions, now)
    if (openGate === undefined || role === 'standby') {
      this.#supervisor.isFailoverRequired = false
      return
    }
    this.#forgive(groups, thresholdMs)
    const watch = this.#watchOf(openGate.account, groups, now)
    const decisions = decide(watch)
    this.#supervisor.isFailoverRequired = isFailoverRequired(watch)
    this.#forget(decisions)
    // A flip that was ordered and waits for its account to be live: until then the other one is looked after as ever.
    const { isMoving } = this.#supervisor
    for (const decision of decisions) if (!isMoving || decision.type !== 'flip') this.#act(decision, watch)
  }

  #sightOf(account: Account): SessionSight {
    const { children, openGate } = this.#supervisor
    const child = children.get(account)
    const status = child?.report?.status
    const liveSince = status?.state === 'live' ? status.since : undefined
    return { account, pulse: child?.pulse, expectedSince: openGate?.account === account ? openGate.since : liveSince }
  }

  #watchOf(active: Account, groups: GroupSight[], now: number): Watch {
    const { watchdog } = this.#supervisor.desired.live
    const other = this.#supervisor.otherThan(active)
    return {
      enabled: watchdog.enabled,
      thresholdMs: watchdog.thresholdSeconds * 1000,
      active: this.#seatOf(active),
      other: other && this.#seatOf(other),
      groups,
      flippedAgoMs: this.#flippedAt === undefined ? undefined : now - this.#flippedAt,
    }
  }

  #seatOf(account: Account): Seat {
    const status = this.#supervisor.children.get(account)?.report?.status
    return {
      account,
      state: status?.state ?? 'idle',
      isRefused: status !== undefined && isGivenUp(status) && status.lastTickAt !== undefined,
      coverage: status === undefined ? 0 : coverageOf(status),
      reconnectedAtMs: this.#reconnected.get(account)?.silenceMs,
    }
  }

  // An account is in order again when every group of it has ticked since, and none is silent for half the threshold. A standby's silence
  // begins anew with its connection, and alone would forgive it at once.
  #forgive(groups: GroupSight[], thresholdMs: number): void {
    for (const [account, { at }] of this.#reconnected) {
      const isInOrder = ({ silenceMs, lastTickAt }: GroupSight) =>
        (silenceMs[account] ?? 0) < thresholdMs / 2 && (lastTickAt[account] ?? 0) > at
      if (groups.every(isInOrder)) this.#reconnected.delete(account)
    }
  }

  // What still holds is said once; what has ended may be said again.
  #forget(decisions: Decision[]): void {
    const keys = new Set(decisions.map(keyOf))
    this.#said = new Set([...this.#said].filter(key => keys.has(key)))
  }

  #act(decision: Decision, watch: Watch): void {
    const { sight } = decision
    const evidence = evidenceOf(sight, watch)
    if (decision.type === 'reconnect') this.#reconnect(decision.account, sight, watch)
    else if (decision.type === 'flip') this.#flip(decision.to, sight, watch)
    else if (decision.type === 'silent')
      this.#sayOnce(decision, 'GroupSilent', 'no account has ticks of a group in session', evidence)
    else {
      const fields = { ...evidence, why: decision.why }
      this.#sayOnce(decision, 'FlipHeld', 'the watchdog would move the gate, and must not', fields)
    }
  }

  #reconnect(account: Account, sight: GroupSight, watch: Watch): void {
    this.#reconnected.set(account, { at: Date.now(), silenceMs: sight.silenceMs[account] ?? 0 })
    const isActive = account === watch.active.account
    const reason = isActive ? 'GroupStalled' : 'StandbyStalled'
    const message = `the ${isActive ? 'active' : 'standby'} account is silent in a group and reconnects`
    this.#supervisor.say({ type: 'Warning', reason, message, fields: evidenceOf(sight, watch) })
    this.#supervisor.children.get(account)?.tell({ type: 'reconnect', reason: 'stalled' })
  }

  #flip(to: Account, sight: GroupSight, watch: Watch): void {
    const { account, isRefused, state } = watch.active
    const fields = evidenceOf(sight, watch)
    this.#supervisor.say({ type: 'Warning', reason: 'WatchdogFlip', message: 'the watchdog moves the gate', fields })
    this.#flippedAt = Date.now()
    const seconds = Math.round((sight.silenceMs[account] ?? 0) / 1000)
    const reason = isRefused ? `${account} is ${state}` : `no tick of ${sight.group} from ${account} for ${seconds} s`
    this.#supervisor.overrideWith(to, reason).catch(error => this.#sayUnsaved(asFault(error)))
  }

  #sayOnce(decision: Decision, reason: string, message: string, fields: ReturnType<typeof evidenceOf> & { why?: string }): void {
    const key = keyOf(decision)
    if (this.#said.has(key)) return
    this.#said.add(key)
    this.#supervisor.say({ type: 'Warning', reason, message, fields })
  }

  #sayUnsaved({ message }: Fault): void {
    const fields = { detail: message }
    this.#supervisor.say({
      type: 'Warning',
      reason: 'OverrideUnsaved',
      message: 'the flip cannot be written and is not made',
      fields,
    })
  }

  #weigh(now: number): void {
    const { children, openGate, desired, calendar, sessionMemoryBytes: boundBytes } = this.#supervisor
    const isQuiet = !marketAt(calendar, windowsOf(desired.live.instrumentGroups), Date.now()).open
    const weight = (account: Account) => children.get(account)?.report?.memoryBytes ?? 0
    for (const [account, { ageMs }] of children) {
      const otherAccount = this.#supervisor.otherThan(account)
      const other = otherAccount && { isLive: this.#seatOf(otherAccount).state === 'live', bytes: weight(otherAccount) }
      const publishes = openGate?.account === account
      const step = memoryStep({ ageMs, bytes: weight(account), boundBytes, publishes, isQuiet, other })
      if (
        step === 'none' ||
        (step === 'flip' && this.#supervisor.isMoving) ||
        now - (this.#replacedAt.get(account) ?? Number.NEGATIVE_INFINITY) < replaceMs
      )
        continue
      const fields = { account, step, bytes: weight(account), boundBytes }
      this.#supervisor.say({ type: 'Warning', reason: 'SessionGrows', message: 'a session has outgrown its memory', fields })
      if (step === 'flip' && otherAccount) {
        this.#supervisor
          .overrideWith(otherAccount, `${account} has outgrown its memory`)
          .catch(error => this.#sayUnsaved(asFault(error)))
        continue
      }
      this.#replacedAt.set(account, now)
      this.#supervisor.replace(account)
    }
  }

  #killHung(): void {
    for (const account of this.#supervisor.hungSessions()) {
      this.#supervisor.say({
        type: 'Warning',
        reason: 'SessionHung',
        message: 'a session does not answer and is killed',
        fields: { account },
      })
      void this.#supervisor.children.get(account)?.kill()
    }
  }
}

const keyOf = (decision: Decision): string =>
  `${decision.type} ${decision.sight.group} ${decision.type === 'held' ? decision.why : ''}`

/** Whether the active account lacks ticks that the other has, or any at all. */
function isFailoverRequired({ groups, active, other, thresholdMs }: Watch): boolean {
  const silent = groups.filter(({ silenceMs }) => (silenceMs[active.account] ?? 0) >= thresholdMs)
  if (groups.length === 0 || silent.length === 0) return false
  return silent.length === groups.length || silent.some(({ leader }) => leader === other?.account)
}

/** What a decision rests on, as fields of its event. */
function evidenceOf({ group, silenceMs, lastTickAt }: GroupSight, { active, other, thresholdMs }: Watch) {
  const of = ({ account, state, coverage }: Seat) => ({
    account,
    state,
    silenceMs: Math.round(silenceMs[account] ?? 0),
    lastTickAt: Math.round(lastTickAt[account] ?? 0),
    coverage,
  })
  const fields = { group, thresholdMs, ...of(active) }
  if (other === undefined) return fields
  const seen = of(other)
  return {
    ...fields,
    other: seen.account,
    otherState: seen.state,
    otherSilenceMs: seen.silenceMs,
    otherLastTickAt: seen.lastTickAt,
    otherCoverage: seen.coverage,
  }
}
