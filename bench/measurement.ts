import type { Service } from '../test/services/availability.ts'
import type { Figure } from './figure.ts'

/** After the subscription of a market, in ms: its snapshots are not what is measured, nor is what V8 compiles of a process that has just started. */
export const settleMs = 10_000

/** One entry of the bench: it sets its own scene up, measures, and leaves nothing behind. */
export type Measurement = {
  /** What `npm run bench -- NAME` calls it. */
  name: string
  about: string
  needs: Service[]
  /** Runs only where it is named, because the whole bench is bounded in time. */
  onRequest?: true
  /** Longest that it may take, in ms; it has failed then. */
  limitMs: number
  measure(signal: AbortSignal, how: Extent): Promise<Figure[]>
}

/** How much is to be measured, where a measurement can do more or less. */
export type Extent = {
  /** How long `load` lasts, and how many ticks a second it offers. */
  minutes: number
  perSecond: number
  /** Of `failover-warm`: how often it flips, on how many instruments, at how many ticks a second each. */
  flips: number
  instruments: number
  rate: number
}

/** Thrown by a measurement that cannot be done here, for a reason that is no failure: it is left out. */
export class LeftOut extends Error {}
