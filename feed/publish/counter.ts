import type { Tick } from '../../crds/contract/tick.ts'
import { wallClock } from './encoding.ts'
import { LatencyWindow } from './latency.ts'
import type { Publisher, PublisherStatus } from './publisher.ts'

/** The publisher of a feed that has no bus: it counts, and `publishedAt` is the moment at which it did. */
export class Counter implements Publisher {
  readonly #latency = new LatencyWindow()
  #published = 0

  publish(tick: Tick): void {
    tick.publishedAt = wallClock()
    this.#published++
    this.#latency.add(tick.publishedAt - tick.receivedAt, tick.publishedAt)
  }

  publishGap(): void {}

  status(): PublisherStatus {
    return {
      type: 'none',
      connected: true,
      queued: 0,
      outstanding: 0,
      published: this.#published,
      conflated: 0,
      dropped: 0,
      resent: 0,
      latencyMs: this.#latency.summary(wallClock()),
    }
  }

  async flush(): Promise<void> {}

  withdraw(): number {
    return 0
  }

  async close(): Promise<void> {}
}
