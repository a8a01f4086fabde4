import type { Service } from '../test/services/availability.ts'
import type { Figure } from './figure.ts'

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
  /** `minutes`: how long a measurement of that kind is to last. */
  measure(signal: AbortSignal, how: { minutes: number }): Promise<Figure[]>
}

/** Thrown by a measurement that cannot be done here, for a reason that is no failure: it is left out. */
export class LeftOut extends Error {}
