import type { Tick } from '../../crds/contract/tick.ts'
import { type ConsumerCounts, TickChecker } from '../../feed/client/consumer.ts'
import { streamMessages } from '../cli/stream.ts'

/** A consumer at the feed's tap, as any other one: it checks sequences and epochs, and can wait for a tick. */
export type Tap = {
  counts(): ConsumerCounts
  /** The next tick that fits, with the time of its arrival in ms since 1970. Rejects with the signal's reason. */
  next(fits: (tick: Tick) => boolean, signal: AbortSignal): Promise<{ tick: Tick; at: number }>
  /** Settles when the tap has ended, by its signal or by a refusal of the controller's. */
  ended: Promise<void>
}

export function openTap(url: string, key: string, signal: AbortSignal): Tap {
  const waiting = new Set<(tick: Tick) => void>()
  const checker = new TickChecker({
    onTick(tick) {
      for (const tell of waiting) tell(tick)
    },
  })
  const ended = read(url, key, checker, signal)
  ended.catch(() => undefined)
  return {
    ended,
    counts: () => checker.counts(),
    async next(fits, until) {
      const { promise, resolve, reject } = Promise.withResolvers<{ tick: Tick; at: number }>()
      const tell = (tick: Tick) => fits(tick) && resolve({ tick, at: Date.now() })
      waiting.add(tell)
      until.addEventListener('abort', () => reject(until.reason), { once: true })
      ended.catch(reject)
      return promise.finally(() => waiting.delete(tell))
    },
  }
}

async function read(url: string, key: string, checker: TickChecker, signal: AbortSignal): Promise<void> {
  for await (const { event, data } of streamMessages(url, `/api/v1/feeds/${key}/ticks`, signal)) {
    if (event === 'tick') checker.receive('tick', () => JSON.parse(data))
  }
}
