// needs: docker, compose, registry
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FeedStatus } from '../../crds/feed.ts'
import { type Consumer, openConsumer } from '../../feed/client/consumer.ts'
import { type DockerStage, instruments, setImage, startDockerStage } from '../mainjob/dockerstage.ts'
import { edit } from '../mainjob/edit.ts'
import { until } from '../services/deadline.ts'

// Rollouts of strategy Handover on real services under load, and some with a controller that is killed in them.

let stage: DockerStage
let consumer: Consumer

beforeAll(async () => {
  stage = await startDockerStage()
  edit(stage.feedFile, /rollout: \{.*\}/, 'rollout: {strategy: Handover, progressDeadline: 60s, minHealthy: 1s}')
  // A machine that starves sessions of the processor for seconds is another test's subject.
  edit(stage.feedFile, '{memory: 512Mi}', "{memory: 512Mi, env: {FEEDPLANE_SESSION_HUNG_MS: '30000'}}")
  await stage.controller.start()
  expect(await stage.controller.settled(stage.key)).toMatchObject({ state: 'done' })
  consumer = await openConsumer({
    ...{ type: 'jetstream', servers: [stage.natsUrl], subjectPrefix: 'market.tick', stream: 'TICKS' },
    secrets: { USER: 'feedplane', PASSWORD: stage.canaries.nats },
  })
  await moreTicks(2)
}, 300_000)

afterAll(async () => {
  await consumer?.close()
  await stage?.stop()
}, 60_000)

/** Waits for so many ticks of every instrument, on average. */
async function moreTicks(rounds: number): Promise<void> {
  const before = consumer.counts().accepted
  await until('more ticks', () => consumer.counts().accepted >= before + rounds * instruments)
}

function complaints() {
  const { missing, duplicates, stale, restarts, malformed, gaps } = consumer.counts()
  return { missing, duplicates, stale, restarts, malformed, gaps }
}

async function containers(): Promise<string[]> {
  const filter = `label=com.docker.compose.project=${stage.projects.feeds}`
  const lines = await stage.engine.docker('ps', '--all', '--filter', filter, '--format', '{{.Names}} {{.State}}')
  return lines.split('\n').filter(line => line !== '')
}

async function nextImage(): Promise<string> {
  const { spec } = await stage.controller.view(stage.key)
  return spec.image === stage.images.good ? stage.images.base : stage.images.good
}

async function onlyContainer(): Promise<void> {
  const { status } = await stage.controller.view(stage.key)
  const name = `${stage.namespace}-futures-r${(status as FeedStatus).revision}`
  await until('the other container to be removed', async () => (await containers()).join() === `${name} running`)
}

describe('a controller that is killed', () => {
  // The first one's image is in the registry only, so that there is something to prepare.
  const points = [
    ...['preparing', 'starting', 'rehearsing', 'promoting/copied', 'promoting/closed', 'promoting/positioned', 'promoting'],
    ...['promoting/opened', 'settling'],
  ]
  const table: { point: string; missing: number; doubled: number; gaps: number }[] = []

  it.each(points)(
    'at %s is followed by one that ends the handover: one container, nothing doubled, nothing lost untold',
    async point => {
      const { controller, key } = stage
      const before = consumer.counts()
      const next = await nextImage()
      await controller.stop()
      await controller.start({ failpoint: point })
      setImage(stage, next)
      await controller.ended()
      await controller.start()
      const { state, view } = await controller.settled(key)
      expect({ state, image: view.spec.image }).toEqual({ state: 'done', image: next })
      await onlyContainer()
      await moreTicks(4)
      const { missing, duplicates, stale, gaps } = consumer.counts()
      table.push({
        point,
        missing: missing - before.missing,
        doubled: duplicates + stale - before.duplicates - before.stale,
        gaps: gaps - before.gaps,
      })
      // Between the gates nobody publishes: ticks are kept for two seconds, and told as a gap where the next controller takes longer.
      const isBetween = point === 'promoting/closed' || point === 'promoting/positioned'
      expect(table.at(-1)).toMatchObject({ point, missing: 0, doubled: 0, ...(!isBetween && { gaps: 0 }) })
      expect(table.at(-1)?.gaps).toBeLessThanOrEqual(1)
    },
  )

  afterAll(() => console.table(table))
})

describe('a handover', () => {
  it('to another image loses and doubles no tick', async () => {
    const next = await nextImage()
    const before = complaints()
    const { state, view } = await stage.controller.settle(stage.key, () => setImage(stage, next))
    expect({ state, image: view.spec.image }).toEqual({ state: 'done', image: next })
    await onlyContainer()
    await moreTicks(4)
    expect(complaints()).toEqual(before)
  })

  it('to an image that never logs in leaves the old process untouched, publishing', async () => {
    const before = await containers()
    const were = complaints()
    const { state, view } = await stage.controller.settle(stage.key, () => {
      edit(stage.feedFile, 'progressDeadline: 60s', 'progressDeadline: 15s')
      setImage(stage, stage.images.mute)
    })
    expect({ state, failed: (view.status as FeedStatus).failedRevision }).toEqual({ state: 'failed', failed: 3 })
    await onlyContainer()
    expect(await containers()).toEqual(before)
    await moreTicks(2)
    expect(complaints()).toEqual(were)
    await stage.controller.settle(stage.key, () => setImage(stage, stage.images.good))
  })
})
