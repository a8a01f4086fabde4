import { setTimeout as delay } from 'node:timers/promises'
import type { Nats } from '../../services/nats.ts'

export type Throttle = { stop(): Promise<void> }

/** Shorter than three heartbeats of a client, which would give the connection up. */
const sliceMs = 1000

/** Has a server stand still half of the time, as one does that has used up its share of the processor. */
export function startThrottle(nats: Pick<Nats, 'freeze' | 'thaw'>): Throttle {
  const end = new AbortController()
  const running = alternate(nats, end.signal)
  return {
    stop: async () => {
      end.abort()
      await running
    },
  }
}

async function alternate({ freeze, thaw }: Pick<Nats, 'freeze' | 'thaw'>, signal: AbortSignal): Promise<void> {
  const wait = () => delay(sliceMs, undefined, { signal }).catch(() => {})
  while (!signal.aborted) {
    freeze()
    await wait()
    thaw()
    await wait()
  }
}
