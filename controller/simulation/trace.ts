import { createHash } from 'node:crypto'

/** Lines of a trace that are kept to be shown; the hash covers all of them. */
const maxLines = 200_000

/** What happened in a run, in order, and a hash of it: two runs of one seed have the same. */
export class Trace {
  readonly lines: string[] = []
  readonly #hash = createHash('sha256')
  readonly #now: () => number
  readonly #start: number

  constructor(now: () => number) {
    this.#now = now
    this.#start = now()
  }

  /** Who did what, and with which parts. */
  add(who: string, what: string): void {
    const seconds = ((this.#now() - this.#start) / 1000).toFixed(3)
    const line = `${seconds.padStart(9)} ${who.padEnd(10)} ${what}`
    this.#hash.update(line).update('\n')
    if (this.lines.length < maxLines) this.lines.push(line)
  }

  digest(): string {
    return this.#hash.copy().digest('hex')
  }
}
