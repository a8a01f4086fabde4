import type { Tick } from '../../crds/contract/tick.ts'
import type { NumberedPush } from '../publish/numbered.ts'
import { type TickSource, tickOf } from '../publish/tick.ts'

/** Ticks that wait for one turn of the event loop; what comes beyond is dropped and counted. */
export const maxTapped = 2000

/** Messages on their way to the supervisor; while there are as many, ticks wait. */
const maxInFlight = 4

/** Sends a batch of ticks to the supervisor and calls `done` when it has left. */
export type SendTicks = (ticks: Tick[], dropped: number, done: () => void) => void

/** Copies published ticks to the supervisor while somebody looks at them. A look must never slow the feed: it drops instead. */
export class Tap {
  readonly #source: TickSource
  readonly #send: SendTicks
  #isOn = false
  #instruments: Set<string> | undefined
  #ticks: Tick[] = []
  #dropped = 0
  #inFlight = 0
  #isScheduled = false

  constructor(source: TickSource, send: SendTicks) {
    this.#source = source
    this.#send = send
  }

  /** Instruments to copy; all where the list is empty; none where it is missing. */
  select(instruments: string[] | undefined): void {
    this.#isOn = instruments !== undefined
    this.#instruments = instruments === undefined || instruments.length === 0 ? undefined : new Set(instruments)
  }

  copy(push: NumberedPush): void {
    if (!this.#isOn || this.#instruments?.has(push.line.instrument) === false) return
    if (this.#ticks.length >= maxTapped) this.#dropped++
    else this.#ticks.push(tickOf(this.#source, push))
    this.#schedule()
  }

  /** Sends what waits at once. */
  flush(): void {
    this.#isScheduled = false
    if (this.#ticks.length === 0 && this.#dropped === 0) return
    const ticks = this.#ticks
    const dropped = this.#dropped
    this.#ticks = []
    this.#dropped = 0
    this.#inFlight++
    this.#send(ticks, dropped, () => {
      this.#inFlight--
      if (this.#ticks.length > 0) this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#isScheduled || this.#inFlight >= maxInFlight) return
    this.#isScheduled = true
    setImmediate(() => this.flush())
  }
}
