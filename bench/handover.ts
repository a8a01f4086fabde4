import { type Consumer, openConsumer } from '../feed/client/consumer.ts'
import { type DockerStage, setImage, startDockerStage } from '../test/mainjob/dockerstage.ts'
import { edit } from '../test/mainjob/edit.ts'
import { until } from '../test/services/deadline.ts'
import type { Figure } from './figure.ts'
import type { Measurement } from './measurement.ts'
import { median, percentile } from './sample.ts'

/** What the stage's simulator has, and each of them twice a second. */
const instruments = 2000
const rate = 2

/** `--flips` is of failovers too, which are quicker: more rollouts than this tell nothing new. */
const maxRollouts = 20

/** All ticks that were on their way at the end of a rollout are there after two more rounds of the market. */
const ticksDeadlineMs = 60_000

export const handover: Measurement = {
  name: 'handover',
  about: `edit of the image on Docker, strategy Handover, ${instruments} instruments at ${rate}/s: ticks lost and doubled, pause; --flips ${maxRollouts}`,
  needs: ['docker', 'compose', 'registry'],
  onRequest: true,
  limitMs: 20 * 60_000,
  measure: async (signal, { flips }) => {
    const stage = await openStage()
    try {
      return await measure(stage, Math.min(flips, maxRollouts), signal)
    } finally {
      await stage.stop()
    }
  },
}

type Rollout = { pauseMs: number; rolloutMs: number }
type Bus = { consumer: Consumer; pauseOf: (epoch: number) => number | undefined }

async function openStage(): Promise<DockerStage> {
  const stage = await startDockerStage({ instruments })
  edit(stage.feedFile, /rollout: \{.*\}/, 'rollout: {strategy: Handover, progressDeadline: 60s, minHealthy: 1s}')
  // What is measured is the handover, not what a machine does that starves sessions of the processor for seconds.
  edit(stage.feedFile, '{memory: 512Mi}', "{memory: 512Mi, env: {FEEDPLANE_SESSION_HUNG_MS: '30000'}}")
  await stage.controller.start()
  await done(stage, stage.controller.settled(stage.key))
  return stage
}

async function measure(stage: DockerStage, rollouts: number, signal: AbortSignal): Promise<Figure[]> {
  const bus = await listen(stage)
  const { consumer } = bus
  const moreTicks = (rounds: number) => {
    const enough = consumer.counts().accepted + rounds * instruments
    return until('more ticks', () => consumer.counts().accepted >= enough, ticksDeadlineMs)
  }
  try {
    await moreTicks(2)
    const samples: Rollout[] = []
    for (let i = 0; i < rollouts; i++) {
      signal.throwIfAborted()
      samples.push(await rollOut(stage, bus, i % 2 === 0 ? stage.images.good : stage.images.base))
      await moreTicks(2)
    }
    return figuresOf(samples, consumer.counts())
  } finally {
    await consumer.close()
  }
}

async function rollOut(stage: DockerStage, { pauseOf }: Bus, image: string): Promise<Rollout> {
  const startedAt = performance.now()
  const { view } = await done(
    stage,
    stage.controller.settle(stage.key, () => setImage(stage, image)),
  )
  const rolloutMs = performance.now() - startedAt
  const epoch = Number((view.status as { epoch?: number }).epoch)
  const pauseMs = await until('the first tick of the new epoch', () => pauseOf(epoch), ticksDeadlineMs)
  return { pauseMs, rolloutMs }
}

async function done<T extends { state: string }>({ controller }: DockerStage, settling: Promise<T>): Promise<T> {
  const settled = await settling
  if (settled.state !== 'done') throw new Error(`the feed is not Ready:\n${controller.log.slice(-2000)}`)
  return settled
}

/** Reads the stream as any consumer does, and notes when each epoch's first tick came, and the one before it. */
async function listen({ natsUrl, canaries }: DockerStage): Promise<Bus> {
  const pauses = new Map<number, number>()
  let newest = { epoch: 0, at: 0 }
  const consumer = await openConsumer({
    ...{ type: 'jetstream', servers: [natsUrl], subjectPrefix: 'market.tick', stream: 'TICKS' },
    secrets: { USER: 'feedplane', PASSWORD: canaries.nats },
    onTick: ({ epoch }) => {
      const at = performance.now()
      if (epoch !== newest.epoch) pauses.set(epoch, at - newest.at)
      newest = { epoch, at }
    },
  })
  return { consumer, pauseOf: epoch => pauses.get(epoch) }
}

function figuresOf(rollouts: Rollout[], counts: ReturnType<Consumer['counts']>): Figure[] {
  const named = `handover of an image on Docker, ${instruments} instruments at ${rate} ticks/s`
  const of = (member: keyof Rollout) => rollouts.map(rollout => rollout[member])
  const row = (member: keyof Rollout) => ({
    unit: 'ms' as const,
    value: median(of(member)),
    p99: percentile(of(member), 0.99),
    n: rollouts.length,
  })
  const { missing, duplicates, stale, malformed, accepted, gaps } = counts
  return [
    {
      name: `${named}: ticks lost or doubled`,
      unit: 'count',
      value: missing + duplicates + stale + malformed,
      n: accepted,
      budget: { of: 'value', atMost: 0 },
      note: `of ${accepted} ticks over ${rollouts.length} rollouts: ${missing} missing, ${duplicates} doubled, ${stale} of a deposed publisher; ${gaps} gaps told by the feed`,
    },
    {
      name: `${named}: pause, last tick of the old process to first of the new one, at a consumer`,
      ...row('pauseMs'),
      beside: [{ kind: 'floor', name: 'mean wait for the next tick', value: 1000 / (instruments * rate) }],
      note: `the longest took ${Math.max(...of('pauseMs')).toFixed(1)} ms; what a closed gate keeps lasts 2000 ms`,
    },
    { name: `${named}: edit to the revision good, with 1 s of minHealthy`, ...row('rolloutMs') },
  ]
}
