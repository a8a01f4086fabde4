import { repeated } from './fingerprint.ts'

/** Fingerprints kept of one exchange time; CZCE, whose times are whole seconds, pushes a few in each. */
const maxMoment = 64

const inRow = { time: 0, pushes: 1, first: 2 } as const
const rowNumbers = 4

/** What each line's newest exchange time has pushed, so that what comes again can be told from what says something new. */
export class Moments {
  #rows = new Float64Array(0)
  /** Fingerprints after the first: most moments have one push. */
  readonly #later: number[][] = []

  /** Makes place for so many lines. */
  reserve(lines: number): void {
    if (lines * rowNumbers <= this.#rows.length) return
    const rows = new Float64Array(Math.max(lines * rowNumbers, this.#rows.length * 2))
    rows.set(this.#rows)
    this.#rows = rows
  }

  /**
   * What tells this push from all others of its moment. `undefined` where it repeats the one before: the same content twice in a row says nothing new, after
   * another one in the same moment it does.
   */
  identify(line: number, time: number, fingerprint: number): number | undefined {
    const rows = this.#rows
    const at = line * rowNumbers
    const pushes = rows[at + inRow.pushes] ?? 0
    if (pushes > 0 && rows[at] === time) return this.#identifyLater(line, pushes, fingerprint)
    rows[at] = time
    rows[at + inRow.pushes] = 1
    rows[at + inRow.first] = fingerprint
    return fingerprint
  }

  /** What `identify` said of the newest push that was not a repetition. */
  newest(line: number): number | undefined {
    const at = line * rowNumbers
    const pushes = this.#rows[at + inRow.pushes] ?? 0
    if (pushes === 0) return undefined
    if (pushes === 1) return this.#rows[at + inRow.first]
    const fingerprint = this.#later[line]?.[pushes - 2] as number
    return identityOf(fingerprint, this.#times(line, pushes - 1, fingerprint))
  }

  #identifyLater(line: number, pushes: number, fingerprint: number): number | undefined {
    const at = line * rowNumbers
    const first = this.#rows[at + inRow.first]
    const later = this.#later[line] ?? []
    this.#later[line] = later
    const last = pushes === 1 ? first : later[pushes - 2]
    if (last === fingerprint) return undefined
    const times = this.#times(line, pushes, fingerprint)
    if (pushes < maxMoment) {
      later[pushes - 1] = fingerprint
      this.#rows[at + inRow.pushes] = pushes + 1
    }
    return identityOf(fingerprint, times)
  }

  /** How often it is among the first so many pushes of the moment. */
  #times(line: number, pushes: number, fingerprint: number): number {
    const later = this.#later[line] ?? []
    let times = this.#rows[line * rowNumbers + inRow.first] === fingerprint ? 1 : 0
    for (let i = 0; i < pushes - 1; i++) if (later[i] === fingerprint) times++
    return times
  }
}

const identityOf = (fingerprint: number, times: number): number => (times === 0 ? fingerprint : repeated(fingerprint, times))
