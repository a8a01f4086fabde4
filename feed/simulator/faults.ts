import type * as z from 'zod'
import type { Instrument } from '../../crds/contract/catalogue.ts'
import type { FaultKind, Limits, lastingFaults } from './faultorder.ts'

/** Faults in force at a time. */
const maxFaults = 256

type Settings = { [Kind in FaultKind]: z.output<(typeof lastingFaults)[Kind]> }

/** A fault in force. `since` and `until` in ms since 1970. */
export type Fault<Kind extends FaultKind = FaultKind> = {
  id: number
  kind: Kind
  settings: Settings[Kind]
  since: number
  until: number | undefined
  user: string | undefined
  /** 1 for each instrument that it is limited to; absent where it is all of them. */
  covers: Uint8Array | undefined
}

const bending: ReadonlySet<FaultKind> = new Set(['clockSkew', 'duplicate', 'reorder'])

/** The faults in force. What asks names the user of a session, or none for what holds for everybody. */
export class Faults {
  readonly #instruments: Instrument[]
  readonly #changed: () => void
  readonly #faults: Fault[] = []
  readonly #masks = new Map<string, Uint8Array | undefined>()
  readonly #kinds = new Set<FaultKind>()
  #lastId = 0

  /** `changed` is called after faults were added or ended. */
  constructor(instruments: Instrument[], changed: () => void) {
    this.#instruments = instruments
    this.#changed = changed
  }

  list(): readonly Fault[] {
    return this.#faults
  }

  /** Puts a fault in force, in the place of one of its kind with the same limits. Returns what is wrong with it. */
  add<Kind extends FaultKind>(kind: Kind, settings: Settings[Kind], now: number): string | undefined {
    const limits: Limits = settings
    const covers = coverOf(limits, this.#instruments)
    if (typeof covers === 'string') return covers
    const same = this.#faults.findIndex(fault => fault.kind === kind && limitsOf(fault.settings) === limitsOf(limits))
    if (same < 0 && this.#faults.length >= maxFaults) return `${maxFaults} faults are in force, which is the most: clear some`
    if (same >= 0) this.#faults.splice(same, 1)
    const until = settings.forMs === undefined ? undefined : now + settings.forMs
    this.#faults.push({ id: ++this.#lastId, kind, settings, since: now, until, user: limits.user, covers })
    this.#change()
    return undefined
  }

  /** Ends the faults that fit and returns how many did. */
  end(fits: (fault: Fault) => boolean): number {
    const kept = this.#faults.filter(fault => !fits(fault))
    const ended = this.#faults.length - kept.length
    if (ended === 0) return 0
    this.#faults.splice(0, this.#faults.length, ...kept)
    this.#change()
    return ended
  }

  expire(now: number): void {
    if (this.#faults.some(({ until }) => until !== undefined && until <= now))
      this.end(({ until }) => until !== undefined && until <= now)
  }

  /** The newest fault of a kind that holds for a user; without one, the newest that holds for everybody. */
  of<Kind extends FaultKind>(kind: Kind, user: string | undefined): Settings[Kind] | undefined {
    return this.#kinds.has(kind) ? this.all(kind, user).at(-1)?.settings : undefined
  }

  all<Kind extends FaultKind>(kind: Kind, user: string | undefined): Fault<Kind>[] {
    if (!this.#kinds.has(kind)) return []
    return this.#faults.filter(
      (fault): fault is Fault<Kind> => fault.kind === kind && (fault.user === undefined || fault.user === user),
    )
  }

  /** Whether a fault bends the pushes of this user alone. */
  disturbs(user: string): boolean {
    return this.#faults.some(fault => fault.user === user && bending.has(fault.kind))
  }

  /** 1 for each instrument that this user gets no ticks of; absent where there is none. */
  mask(user: string | undefined): Uint8Array | undefined {
    if (!this.#kinds.has('stall') && !this.#kinds.has('silence')) return undefined
    return this.#mask('ticks', user, [...this.all('stall', user), ...this.all('silence', user)])
  }

  /** 1 for each instrument whose stale state this user does not get either. A stall of a user keeps it back, one of a group does not. */
  hushed(user: string | undefined): Uint8Array | undefined {
    const stalls = this.all('stall', user).filter(fault => fault.user !== undefined)
    return this.#mask('states', user, [...stalls, ...this.all('silence', user)])
  }

  #mask(what: string, user: string | undefined, faults: Fault[]): Uint8Array | undefined {
    const key = user === undefined ? what : `${what} ${user}`
    if (!this.#masks.has(key)) this.#masks.set(key, union(faults, this.#instruments.length))
    return this.#masks.get(key)
  }

  #change(): void {
    this.#masks.clear()
    this.#kinds.clear()
    for (const { kind } of this.#faults) this.#kinds.add(kind)
    this.#changed()
  }
}

/** The instruments that limits name: 1 for each, absent where they name none, or what is wrong with them. */
export function coverOf({ group, instrument }: Limits, instruments: Instrument[]): Uint8Array | string | undefined {
  if (group === undefined && instrument === undefined) return undefined
  const covers = Uint8Array.from(instruments, one => {
    const inGroup = group === undefined || group === one.exchange || group === `${one.exchange}.${one.product}`
    return inGroup && (instrument === undefined || instrument === one.id) ? 1 : 0
  })
  if (covers.includes(1)) return covers
  const exchanges = [...new Set(instruments.map(({ exchange }) => exchange))].join(', ')
  if (group === undefined) return `no instrument is called ${instrument}`
  return instrument === undefined
    ? `no instrument is in group ${group}: write EXCHANGE or EXCHANGE.PRODUCT, of ${exchanges}`
    : `no instrument is called ${instrument} in group ${group}`
}

function union(faults: Fault[], count: number): Uint8Array | undefined {
  if (faults.length === 0) return undefined
  const mask = new Uint8Array(count)
  for (const { covers } of faults) {
    if (covers === undefined) mask.fill(1)
    else
      covers.forEach((covered, number) => {
        if (covered === 1) mask[number] = 1
      })
  }
  return mask
}

function limitsOf({ user, group, instrument }: Limits): string {
  return JSON.stringify([user, group, instrument])
}
