import type { Clock } from '../runtime/clock.ts'

export type HandClock = Clock & {
  /** Goes to the time, calling what is due on the way, each at its own time. */
  goTo(time: number): void
}

/** A clock that moves only when it is told to. */
export function handClock(start: number): HandClock {
  let now = start
  const timers = new Set<{ at: number; callback: () => void }>()
  const nextDue = (until: number) =>
    [...timers]
      .filter(({ at }) => at <= until)
      .reduce<{ at: number; callback: () => void } | undefined>(
        (first, timer) => (first && first.at <= timer.at ? first : timer),
        undefined,
      )
  return {
    now: () => now,
    after(delayMs, callback) {
      const timer = { at: now + delayMs, callback }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    goTo(time) {
      for (let timer = nextDue(time); timer; timer = nextDue(time)) {
        timers.delete(timer)
        now = Math.max(now, timer.at)
        timer.callback()
      }
      now = Math.max(now, time)
    },
  }
}
