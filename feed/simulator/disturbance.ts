import { tickBytes } from '../gateways/tickrecord.ts'
import type { Fault, Faults } from './faults.ts'
import type { Batch, Market } from './market.ts'

type Push = { number: number; bytes: Buffer }

/**
 * Bends the pushes of a front or of one session as its faults say: first their clock, then what comes twice, then their order. Its
 * choices follow from its seed and from what it has seen. Ticks that wait for the next one of their instrument are at most one each.
 */
export class Disturbance {
  readonly #market: Market
  readonly #held = new Map<number, Buffer>()
  #random: number

  constructor(market: Market, seed: number) {
    this.#market = market
    this.#random = seed | 1
  }

  /** `user` undefined bends for everybody, by the faults without a user; else only by those of that user. */
  bend(batch: Batch, faults: Faults, user: string | undefined): Batch {
    const own = <Kind extends 'clockSkew' | 'duplicate' | 'reorder'>(kind: Kind) =>
      faults.all(kind, user).filter(fault => fault.user === user)
    const [skews, duplicates, reorders] = [own('clockSkew'), own('duplicate'), own('reorder')]
    if (skews.length + duplicates.length + reorders.length + this.#held.size === 0) return batch
    let pushes = pushesOf(batch)
    for (const fault of skews) this.#skew(pushes, fault)
    for (const fault of duplicates) pushes = pushes.flatMap(push => (this.#hits(fault, push) ? [push, push] : [push]))
    if (this.#held.size > 0 && !reorders.some(({ settings }) => settings.of === 'instrument'))
      pushes = [...this.#release(), ...pushes]
    for (const fault of reorders) {
      if (fault.settings.of === 'instruments') this.#swap(pushes, fault)
      else pushes = this.#holdBack(pushes, fault)
    }
    return batchOf(pushes)
  }

  #skew(pushes: Push[], fault: Fault<'clockSkew'>): void {
    for (const push of pushes) {
      if (fault.covers === undefined || fault.covers[push.number] === 1) {
        push.bytes = Buffer.from(push.bytes)
        this.#market.skew(push.bytes, 0, push.number, fault.settings.ms)
      }
    }
  }

  #swap(pushes: Push[], fault: Fault<'reorder'>): void {
    for (let place = 1; place < pushes.length; place += 2) {
      const [first, second] = [pushes[place - 1], pushes[place]]
      if (first === undefined || second === undefined || first.number === second.number) continue
      if (this.#hits(fault, first)) [pushes[place - 1], pushes[place]] = [second, first]
    }
  }

  /** A tick that is chosen waits here; it follows the next one of its instrument. */
  #holdBack(pushes: Push[], fault: Fault<'reorder'>): Push[] {
    return pushes.flatMap(push => {
      const held = this.#held.get(push.number)
      if (held !== undefined) {
        this.#held.delete(push.number)
        return [push, { number: push.number, bytes: held }]
      }
      if (!this.#hits(fault, push)) return [push]
      this.#held.set(push.number, Buffer.from(push.bytes))
      return []
    })
  }

  #release(): Push[] {
    const released = [...this.#held].map(([number, bytes]) => ({ number, bytes }))
    this.#held.clear()
    return released
  }

  #hits({ covers, settings }: Fault<'duplicate' | 'reorder'>, { number }: Push): boolean {
    if (covers !== undefined && covers[number] !== 1) return false
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0
    return this.#random / 2 ** 32 < settings.share
  }
}

function pushesOf({ bytes, numbers }: Batch): Push[] {
  return Array.from(numbers, (number, place) => ({ number, bytes: bytes.subarray(place * tickBytes, (place + 1) * tickBytes) }))
}

function batchOf(pushes: Push[]): Batch {
  return { bytes: Buffer.concat(pushes.map(({ bytes }) => bytes)), numbers: Int32Array.from(pushes, ({ number }) => number) }
}
