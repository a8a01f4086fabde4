import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { expect } from 'vitest'
import type { Gap } from '../../crds/contract/tick.ts'
import { type Consumer, isTold, type Missing, openConsumer } from '../../feed/client/consumer.ts'
import { until } from '../services/deadline.ts'
import { type Nats, startNats } from '../services/nats.ts'
import { FeedStage } from './stage.ts'

export const instrumentCount = 300
const maxTicks = 5000
/** Sent and not acknowledged at most (docs/concepts/publishing.md). */
const maxOutstanding = 8192
/** A session has some 100 MB at this size; the rest is room for what a test machine does. */
const maxSessionBytes = 400 * 1024 * 1024

type Manager = Awaited<ReturnType<typeof jetstreamManager>>

/** A feed on a bus of its own, and a consumer that holds it to its promise: what is missing has been told. */
export class Ground {
  readonly nats: Nats
  readonly stage: FeedStage
  readonly missing: Missing[] = []
  readonly gaps: Gap[] = []
  #consumer: Consumer | undefined

  /** Runs `work` on a ground of its own, and clears it away. */
  static async with(work: (ground: Ground) => Promise<void>): Promise<void> {
    const ground = new Ground(await startNats(), await FeedStage.open(instrumentCount))
    try {
      await work(ground)
    } finally {
      await ground.#consumer?.close()
      await ground.stage.close()
      await ground.nats.stop()
    }
  }

  constructor(nats: Nats, stage: FeedStage) {
    this.nats = nats
    this.stage = stage
  }

  get consumer(): Consumer {
    if (this.#consumer === undefined) throw new Error('nothing is published yet')
    return this.#consumer
  }

  /** Starts the feed, and a consumer that has seen ticks of it. `read` is how the consumer reads, where that is another way. */
  async publish(type: 'nats' | 'jetstream', read = type, environment: Record<string, string> = {}): Promise<void> {
    const { launch } = this.stage.desired
    const publish = { ...launch.publish, type, servers: [this.nats.url] }
    this.stage.desired = { ...this.stage.desired, launch: { ...launch, publish, queue: { maxTicks } } }
    await this.stage.serve(environment)
    this.#consumer = await openConsumer({
      type: read,
      servers: [this.nats.url],
      subjectPrefix: 'market.tick',
      stream: 'TICKS',
      onMissing: one => this.missing.push(one),
      onGap: gap => this.gaps.push(gap),
    })
    await this.ticksCome()
  }

  /** Waits for two ticks of each instrument, on average. */
  async ticksCome(): Promise<void> {
    const before = this.consumer.counts().accepted
    await until('ticks', () => this.consumer.counts().accepted > before + 2 * instrumentCount)
  }

  /**
   * Ends when everything that is missing lies in a gap that the feed has told; otherwise it throws, with what does not. What a core server had still to
   * pass on to this consumer when it died, at `diedAt`, nobody can tell but the consumer itself.
   */
  async allTold(diedAt = Number.POSITIVE_INFINITY): Promise<void> {
    const untold = () => this.missing.filter(one => !isTold(one, this.gaps) && !(one.from < diedAt && diedAt < one.to))
    await until('each loss to be told', () => untold().length === 0, 15_000).catch(error => {
      throw new Error(`not told: ${untold().length}, such as ${JSON.stringify(untold().slice(0, 3))}`, { cause: error })
    })
    expect(this.consumer.counts().malformed).toBe(0)
  }

  get gapReasons(): string[] {
    return this.gaps.map(({ reason }) => reason)
  }

  async isBounded(): Promise<void> {
    const { publisher } = await this.stage.feed.status()
    expect(publisher.outbox).toBeLessThanOrEqual(maxTicks + maxOutstanding)
    for (const account of ['primary', 'backup'])
      expect(await this.stage.metric(`md_session_memory_bytes{account="${account}"`)).toBeLessThan(maxSessionBytes)
  }

  async unreadyReasons(): Promise<string[]> {
    const answer = await this.stage.feed.get('/readyz', {})
    return ((await answer.json()) as { reasons: { reason: string }[] }).reasons.map(({ reason }) => reason)
  }

  async missesBus(): Promise<void> {
    await until('the feed to miss the bus', async () => (await this.unreadyReasons()).includes('BusUnreachable'))
  }

  async isReady(): Promise<void> {
    await until('the feed to be ready', () => this.stage.feed.isReady())
  }

  async isOnBackup(): Promise<void> {
    await until('the other account', async () => (await this.stage.feed.status()).active === 'backup')
  }

  async streams<T>(work: (manager: Manager) => Promise<T>): Promise<T> {
    const connection = await connect({ servers: this.nats.url })
    try {
      return await work(await jetstreamManager(connection))
    } finally {
      await connection.close()
    }
  }
}
