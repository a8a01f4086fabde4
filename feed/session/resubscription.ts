import type { Line } from './line.ts'
import { instrumentNotFound } from './subscriptions.ts'

/** Pace of a run, on top of the profile's, which the subscriptions keep to in any case. */
export type RunBounds = { batch: number; requestsPerSecond: number; retries: number }

export type ResubscriptionOptions = {
  /** Asks for lines again. */
  renew: (lines: Line[]) => void
  /** Every line of the run has been answered, or was given up. */
  done: (outcome: RunOutcome) => void
}

export type RunOutcome = { asked: number; acknowledged: number; refused: number }

/** An answer is looked for this often, in ms, once everything was asked for. */
const lookMs = 250

/**
 * One run over lines that are to be asked for again: `batch` at a time, so many times a second, and one that is refused again
 * `retries` times more. A second run that is ordered meanwhile joins the first and gives it its pace. Ends with the connection,
 * as a login asks for everything.
 */
export class Resubscription {
  readonly #options: ResubscriptionOptions
  readonly #queue = new Set<Line>()
  readonly #asked = new Map<Line, number>()
  #bounds: RunBounds = { batch: 1, requestsPerSecond: 1, retries: 0 }
  #timer: NodeJS.Timeout | undefined

  constructor(options: ResubscriptionOptions) {
    this.#options = options
  }

  order(lines: Line[], bounds: RunBounds): void {
    this.#bounds = bounds
    for (const line of lines) this.#queue.add(line)
    if (this.#timer === undefined && this.#queue.size > 0) this.#turn()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#queue.clear()
    this.#asked.clear()
  }

  #turn(): void {
    if (this.#queue.size === 0) this.#takeRefused()
    const { batch, requestsPerSecond } = this.#bounds
    const lines = [...this.#queue.values().take(batch)]
    for (const line of lines) this.#ask(line)
    if (lines.length > 0) this.#options.renew(lines)
    if (this.#queue.size > 0 || lines.length > 0) this.#wait(1000 / requestsPerSecond)
    else if (this.#asked.keys().some(isOpen)) this.#wait(lookMs)
    else this.#end()
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#turn(), ms)
  }

  #ask(line: Line): void {
    this.#queue.delete(line)
    this.#asked.set(line, (this.#asked.get(line) ?? 0) + 1)
  }

  #takeRefused(): void {
    for (const [line, times] of this.#asked) if (isRefused(line) && times <= this.#bounds.retries) this.#queue.add(line)
  }

  #end(): void {
    const lines = [...this.#asked.keys()]
    const acknowledged = lines.filter(({ state }) => state === 'acknowledged').length
    const refused = lines.filter(({ state }) => state === 'rejected').length
    this.stop()
    this.#options.done({ asked: lines.length, acknowledged, refused })
  }
}

// What the front does not know now it does not know in a second.
const isRefused = ({ wanted, state, errorId }: Line): boolean => wanted && state === 'rejected' && errorId !== instrumentNotFound

const isOpen = ({ wanted, state }: Line): boolean => wanted && (state === 'queued' || state === 'sent')
