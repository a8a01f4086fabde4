import { wallClock } from '../wallclock.ts'
import { LatencyWindow } from './latency.ts'
import type { NumberedPush } from './numbered.ts'
import type { Publisher, PublisherStatus } from './publisher.ts'

/** The publisher of a feed that has no bus: it counts. */
export class Counter implements Publisher {
  readonly #latency = new LatencyWindow()
  #published = 0

  publish({ receivedAt }: NumberedPush): void {
    const now = wallClock()
    this.#published++
    this.#latency.add(now - receivedAt, now)
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
