import type { Instrument } from '../../crds/contract/catalogue.ts'
import type { Calendar } from '../calendar/calendar.ts'

/** The recorded auctions are one push each, a minute before continuous trading (08:59:00, 09:29:00). */
const matchBeforeOpenMs = 60_000

export type Opening = { what: 'auction' | 'open'; numbers: Int32Array }

type Group = { windows: Instrument['windows']; numbers: Int32Array; open: boolean; matched: boolean }

/**
 * The trading hours of a market that keeps a calendar. Instruments with the same windows open and close together; the calendar is
 * asked once a second of the exchange's clock, on which every window begins.
 */
export class Hours {
  /** 1 for each instrument that does not trade continuously now. */
  readonly closed: Uint8Array
  readonly #calendar: Calendar
  readonly #groups: Group[]
  #second = -1

  constructor(instruments: Instrument[], calendar: Calendar, at: number) {
    this.closed = new Uint8Array(instruments.length)
    this.#calendar = calendar
    this.#groups = groupsOf(instruments).map(group => {
      const open = this.#trades(group, at)
      this.#mark(group, open)
      return { ...group, open, matched: open || this.#isMatched(group, at) }
    })
    this.#second = Math.floor(at / 1000)
  }

  /** What begins now. `at` in ms since 1970. */
  turn(at: number): Opening[] {
    const second = Math.floor(at / 1000)
    if (second === this.#second) return []
    this.#second = second
    return this.#groups.flatMap(group => this.#turnGroup(group, at))
  }

  #turnGroup(group: Group, at: number): Opening[] {
    const open = this.#trades(group, at)
    if (open !== group.open) {
      Object.assign(group, { open, matched: open })
      this.#mark(group, open)
      return open ? [{ what: 'open', numbers: group.numbers }] : []
    }
    if (open || group.matched || !this.#isMatched(group, at)) return []
    group.matched = true
    return [{ what: 'auction', numbers: group.numbers }]
  }

  #trades({ windows }: Pick<Group, 'windows'>, at: number): boolean {
    return this.#calendar.openMs(windows, at, at + 1) > 0
  }

  /** The auction is on and its last minute has begun. */
  #isMatched(group: Pick<Group, 'windows'>, at: number): boolean {
    return this.#calendar.isOpen(group.windows, at) && this.#trades(group, at + matchBeforeOpenMs)
  }

  #mark({ numbers }: Pick<Group, 'numbers'>, open: boolean): void {
    for (const number of numbers) this.closed[number] = open ? 0 : 1
  }
}

function groupsOf(instruments: Instrument[]): Pick<Group, 'windows' | 'numbers'>[] {
  const groups = new Map<string, { windows: Instrument['windows']; numbers: number[] }>()
  instruments.forEach(({ windows }, number) => {
    const key = JSON.stringify(windows)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { windows, numbers: [number] })
    else group.numbers.push(number)
  })
  return [...groups.values()].map(({ windows, numbers }) => ({ windows, numbers: Int32Array.from(numbers) }))
}
