import type { Clock } from '../runtime/clock.ts'
import type { SimulatedWorkload } from './workload.ts'

/** The market has one tick each half second; its number is its time. */
const tickMs = 500

/** Ticks that a closed gate keeps, as `feed/session/held.ts` has it. */
const heldTicks = 4

/** What feeds publish: each tick of the market with its epoch, and the ticks that a feed has told as missing. */
export class SimulatedBus {
  readonly published: { tick: number; epoch: number; workload: string }[] = []
  readonly told = new Set<number>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Number of the market's newest tick. */
  get newest(): number {
    return Math.floor(this.#clock.now() / tickMs)
  }

  /** What a consumer of the ticks from number `from` on complains of. */
  complaints(from: number) {
    const ticks = this.published.filter(({ tick }) => tick >= from)
    const seen = new Set(ticks.map(({ tick }) => tick))
    const newest = Math.max(from, ...seen)
    const missing = Array.from({ length: newest - from }, (_, i) => from + i).filter(tick => !seen.has(tick))
    const epochs = ticks.map(({ epoch }) => epoch)
    return {
      lost: missing.length,
      untold: missing.filter(tick => !this.told.has(tick)).length,
      doubled: ticks.length - seen.size,
      stale: epochs.filter((epoch, i) => epoch < Math.max(0, ...epochs.slice(0, i))).length,
    }
  }
}

/** One feed's side of the bus: what it has published, and what it keeps while its gate is closed. */
export class SimulatedLine {
  readonly #bus: SimulatedBus | undefined
  readonly #workload: SimulatedWorkload
  #epoch: number | undefined
  #last = 0
  #isExact = true

  constructor(bus: SimulatedBus | undefined, workload: SimulatedWorkload) {
    this.#bus = bus
    this.#workload = workload
  }

  /** What came until now went through the gate as it was; from now on it is as told: open in an epoch, or closed. */
  turn(epoch: number | undefined): void {
    const bus = this.#bus
    if (!bus) return
    if (this.#epoch !== undefined) this.#publish(bus, this.#epoch)
    else if (epoch !== undefined) this.#open(bus)
    if (this.#epoch !== undefined && epoch === undefined) this.#isExact = true
    this.#epoch = epoch
  }

  end(): void {
    this.#epoch = undefined
  }

  position(): string {
    return JSON.stringify({ exact: this.#epoch === undefined && this.#isExact, last: this.#last })
  }

  take(text: string): void {
    const { exact, last = 0 } = JSON.parse(text) as { exact: boolean; last?: number }
    this.#isExact = exact
    this.#last = Math.max(this.#last, last)
  }

  // Without a position that is known to be the newest, only what comes from now on is surely new; the rest is told as a gap.
  #open(bus: SimulatedBus): void {
    const first = this.#isExact && this.#last > 0 ? Math.max(this.#last, bus.newest - heldTicks) : bus.newest
    for (let tick = (this.#last || first) + 1; tick <= first; tick++) bus.told.add(tick)
    this.#last = first
    this.#isExact = false
  }

  #publish(bus: SimulatedBus, epoch: number): void {
    const workload = this.#workload.name
    while (this.#last < bus.newest) bus.published.push({ tick: ++this.#last, epoch, workload })
  }
}
