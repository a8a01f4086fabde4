import type { Account, InstrumentGroup } from '../../crds/contract/desired.ts'
import type { SilentGroup } from '../../crds/contract/feedstatus.ts'
import type { Calendar } from '../calendar/calendar.ts'
import type { Pulse } from '../session/message.ts'
import { type TickGroup, tickGroupsOf } from '../session/tickgroup.ts'
import { silenceOf } from './market.ts'
import { type GroupSight, leadMsOf } from './watchdog.ts'

/** What is known of a session. Times are ms since 1970. */
export type SessionSight = {
  account: Account
  /** Of the running process; none while it does not run. */
  pulse: Pulse | undefined
  /** From when on ticks of it are expected: its gate opened, or it went live. `undefined` where none are. */
  expectedSince: number | undefined
}

export type Stall = { account: Account; group: string; count: number }

/** Follows the newest tick of each group and account: how long each is silent, who is ahead, and how often one stalled. */
export class TickWatch {
  /** By account and group; bounded, as groups are. */
  readonly stalls = new Map<string, Stall>()
  sights: GroupSight[] = []
  readonly #ticks = new Map<string, number>()
  readonly #since = new Map<string, number>()
  readonly #leads = new Map<string, { account: Account; since: number }>()
  /** Since when, by account and group: set when the threshold is passed, so that it stays the same. */
  readonly #stalledSince = new Map<string, number>()
  #named: { groups: InstrumentGroup[]; tickGroups: TickGroup[] } = { groups: [], tickGroups: [] }

  /** Looks at all groups, and answers those in continuous trading. `now` is the supervisor's clock, in ms since 1970. */
  look(groups: InstrumentGroup[], calendar: Calendar, thresholdMs: number, sessions: SessionSight[], now: number): GroupSight[] {
    for (const { account, pulse } of sessions)
      for (const [group, at] of pulse?.ticks ?? []) if (at > 0) this.#ticks.set(`${account} ${group}`, at)
    const trading = this.#groupsOf(groups, now).filter(({ windows }) => calendar.openMs(windows, now - 1, now) > 0)
    this.sights = trading.map(group => this.#sightOf(group, calendar, thresholdMs, sessions, now))
    for (const sight of this.sights) this.#count(sight, thresholdMs, now)
    return this.sights
  }

  /** The groups in continuous trading of which an account has had no fresh tick for the threshold, as of the last look. */
  silentOf(account: Account): SilentGroup[] {
    return this.sights.flatMap(({ group }) => {
      const since = this.#stalledSince.get(`${account} ${group}`)
      return since === undefined ? [] : [{ group, since }]
    })
  }

  #groupsOf(groups: InstrumentGroup[], now: number): TickGroup[] {
    if (this.#named.groups === groups) return this.#named.tickGroups
    const tickGroups = [...new Set(tickGroupsOf(groups))]
    this.#named = { groups, tickGroups }
    for (const { name } of tickGroups) if (!this.#since.has(name)) this.#since.set(name, now)
    const names = new Set(tickGroups.map(({ name }) => name))
    for (const name of this.#since.keys()) if (!names.has(name)) this.#forget(name)
    return tickGroups
  }

  #forget(group: string): void {
    this.#since.delete(group)
    this.#leads.delete(group)
    for (const key of this.#ticks.keys()) if (key.endsWith(` ${group}`)) this.#ticks.delete(key)
    for (const key of this.#stalledSince.keys()) if (key.endsWith(` ${group}`)) this.#stalledSince.delete(key)
    for (const [key, stall] of this.stalls) if (stall.group === group) this.stalls.delete(key)
  }

  #sightOf(
    { name: group, windows }: TickGroup,
    calendar: Calendar,
    thresholdMs: number,
    sessions: SessionSight[],
    now: number,
  ): GroupSight {
    const sight: GroupSight = { group, silenceMs: {}, lastTickAt: {}, leader: undefined }
    for (const { account, pulse, expectedSince } of sessions) {
      const lastTickAt = this.#ticks.get(`${account} ${group}`)
      if (lastTickAt !== undefined) sight.lastTickAt[account] = lastTickAt
      if (expectedSince === undefined) continue
      const from = Math.max(lastTickAt ?? 0, expectedSince, this.#since.get(group) ?? 0)
      // What came since the session's last word is not known, and so is no silence.
      sight.silenceMs[account] = silenceOf(calendar, windows, from, pulse?.at ?? now)
    }
    sight.leader = this.#leaderOf(sight, leadMsOf(thresholdMs), now)
    return sight
  }

  // Accounts get the same tick at different moments: only a lead that is long, and lasts as long again, is one.
  #leaderOf({ group, lastTickAt }: GroupSight, leadMs: number, now: number): Account | undefined {
    const { primary = 0, backup = 0 } = lastTickAt
    if (Math.abs(primary - backup) < leadMs) {
      this.#leads.delete(group)
      return undefined
    }
    const account = primary > backup ? 'primary' : 'backup'
    const lead = this.#leads.get(group)
    if (lead?.account === account) return now - lead.since >= leadMs ? account : undefined
    this.#leads.set(group, { account, since: now })
    return undefined
  }

  #count({ group, silenceMs }: GroupSight, thresholdMs: number, now: number): void {
    for (const account of ['primary', 'backup'] as const) {
      const key = `${account} ${group}`
      const silence = silenceMs[account] ?? 0
      const isStalled = silence >= thresholdMs
      if (isStalled && !this.#stalledSince.has(key)) {
        this.#stalledSince.set(key, Math.round(now - silence))
        this.stalls.set(key, { account, group, count: (this.stalls.get(key)?.count ?? 0) + 1 })
      } else if (!isStalled) this.#stalledSince.delete(key)
    }
  }
}
