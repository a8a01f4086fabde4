import type { Account } from '../../crds/contract/desired.ts'
import { asFault, type Fault } from '../../crds/contract/fault.ts'
import { openMsOf, windowsOf } from './market.ts'
import type { Supervisor } from './supervisor.ts'
import { type Watch, watch } from './watchdog.ts'

const patrolMs = 250

/** Looks after the sessions: kills one that hangs, and acts on a silent active account as the watchdog decides. */
export class Patrol {
  readonly #supervisor: Supervisor
  readonly #timer: NodeJS.Timeout
  #reconnectedAtMs: number | undefined
  #openSince = { account: '', epoch: 0, at: 0 }

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor
    this.#timer = setInterval(() => this.#look(Date.now()), patrolMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(now: number): void {
    this.#killHung(now)
    this.#noteGate(now)
    const gate = this.#supervisor.openGate
    if (gate === undefined || this.#supervisor.desired.live.role === 'standby') return
    const seen = this.#watchOf(gate.account, now)
    const { silenceMs } = seen.active
    if (silenceMs < seen.thresholdMs) this.#reconnectedAtMs = undefined
    this.#supervisor.isFailoverRequired = silenceMs >= seen.thresholdMs
    const step = watch(seen)
    if (step === 'reconnect') this.#reconnect(gate.account, silenceMs)
    if (step === 'flip') this.#flip(gate.account, seen)
  }

  #watchOf(active: Account, now: number): Watch {
    const { watchdog, instrumentGroups } = this.#supervisor.desired.live
    const windows = windowsOf(instrumentGroups)
    const other = this.#supervisor.desired.launch.accounts.find(account => account !== active)
    const silenceOf = (account: Account, since: number): number => {
      const child = this.#supervisor.children.get(account)
      const lastTickAt = this.#supervisor.lastTickAt.get(account) ?? 0
      // A report is up to a second old: what came since then is not silence.
      const known = child?.isUp === true && child.reportedAt > 0 ? child.reportedAt : now
      return openMsOf(this.#supervisor.calendar, windows, Math.max(lastTickAt, since), known)
    }
    return {
      enabled: watchdog.enabled,
      thresholdMs: watchdog.thresholdSeconds * 1000,
      active: { state: this.#stateOf(active), silenceMs: silenceOf(active, this.#openSince.at) },
      other: other && {
        state: this.#stateOf(other),
        ...this.#lastTickOf(other),
        silenceMs: silenceOf(other, this.#supervisor.startedAt),
      },
      reconnectedAtMs: this.#reconnectedAtMs,
    }
  }

  #stateOf(account: Account): Watch['active']['state'] {
    return this.#supervisor.children.get(account)?.report?.status.state ?? 'idle'
  }

  #lastTickOf(account: Account): { lastTickAt?: number } {
    const lastTickAt = this.#supervisor.children.get(account)?.report?.status.lastTickAt
    return lastTickAt === undefined ? {} : { lastTickAt }
  }

  #reconnect(account: Account, silenceMs: number): void {
    this.#reconnectedAtMs = silenceMs
    const fields = { account, silenceMs: Math.round(silenceMs) }
    this.#supervisor.say({ type: 'Warning', reason: 'Stalled', message: 'the active account is silent and reconnects', fields })
    this.#supervisor.children.get(account)?.tell({ type: 'reconnect', reason: 'stalled' })
  }

  #flip(from: Account, { active, other, thresholdMs }: Watch): void {
    const to = this.#supervisor.desired.launch.accounts.find(account => account !== from)
    if (to === undefined) return
    const fields = {
      from,
      to,
      thresholdMs,
      silenceMs: Math.round(active.silenceMs),
      state: active.state,
      otherSilenceMs: Math.round(other?.silenceMs ?? 0),
    }
    this.#supervisor.say({ type: 'Warning', reason: 'WatchdogFlip', message: 'the watchdog moves the gate', fields })
    this.#reconnectedAtMs = undefined
    const reason = `no tick of ${from} for ${Math.round(active.silenceMs / 1000)} s of open session`
    this.#supervisor.overrideWith(to, reason).catch(error => this.#sayUnsaved(asFault(error)))
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

  #noteGate(now: number): void {
    const gate = this.#supervisor.openGate
    if (gate === undefined) return
    const { account, epoch } = this.#openSince
    if (gate.account === account && gate.epoch === epoch) return
    this.#openSince = { ...gate, at: now }
    this.#reconnectedAtMs = undefined
  }

  #killHung(now: number): void {
    for (const account of this.#supervisor.hungSessions(now)) {
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
