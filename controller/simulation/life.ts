import type { Clock } from '../runtime/clock.ts'
import type { Scheduler } from './scheduler.ts'

/** Thrown into code of a controller that is dead: whatever it does with that has no effect any more. */
export class Killed extends Error {
  override readonly name = 'Killed'
}

/** One life of the controller. When it ends, its timers never come due, its calls never return, and its writes are refused. */
export type Life = {
  readonly number: number
  readonly isOver: boolean
  readonly clock: Clock
  readonly signal: AbortSignal
  sleep(ms: number): Promise<void>
  /** Returns the promise's outcome while this life lasts; afterwards nothing, for ever. */
  lasting<T>(promise: Promise<T>): Promise<T>
  /** kill -9. */
  end(): void
}

export function beginLife(number: number, scheduler: Scheduler, onEnd: (life: Life) => void): Life {
  const ended = new AbortController()
  const never = new Promise<never>(() => undefined)
  let isOver = false
  const life: Life = {
    number,
    signal: ended.signal,
    get isOver() {
      return isOver
    },
    clock: {
      now: () => scheduler.now(),
      after: (delayMs, callback) => scheduler.after(delayMs, () => isOver || callback()),
    },
    sleep: ms => life.lasting(scheduler.sleep(ms)),
    lasting: promise =>
      promise.then(
        value => (isOver ? never : value),
        error => (isOver ? never : Promise.reject(error)),
      ),
    end() {
      if (isOver) return
      isOver = true
      ended.abort()
      onEnd(life)
    },
  }
  return life
}
