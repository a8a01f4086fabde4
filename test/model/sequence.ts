import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { expect } from 'vitest'
import type { ResourceView } from '../../controller/api/contract.ts'
import { type Act, act, editOf } from '../../controller/simulation/act.ts'
import type { FeedReport } from '../../crds/contract/feedstatus.ts'
import type { FeedStatus } from '../../crds/feed.ts'
import { until } from '../services/deadline.ts'
import type { Found, ModelStage } from './stage.ts'

const settleMs = 60_000

/** An act, and for what it is waited before the next one. */
const move = fc.record({ act, wait: fc.constantFrom('nothing', 'a look', 'an end') })
export type Move = typeof move extends fc.Arbitrary<infer T> ? T : never

/** Some sequences, the same for the same seed. */
export function sequences(count: number, seed: number): Move[][] {
  return fc.sample(fc.array(move, { minLength: 4, maxLength: 7 }), { numRuns: count, seed })
}

export const nameOf = (moves: Move[]): string =>
  moves.map(({ act: { type, ...rest } }) => [type, ...Object.values(rest)].join(' ')).join(', ')

/**
 * Carries a sequence out on a stage that is declared and at rest, heals the world, and holds the controller to what the model of the
 * simulated engine holds it to: controller/kinds/feed/model.test.ts. Leaves the stage as the sequence left it.
 */
export async function runSequence(stage: ModelStage, moves: Move[]): Promise<void> {
  const logged = stage.controller.log.length
  try {
    await carryOut(stage, moves)
  } catch (error) {
    throw new Error(`${(error as Error).message}\nafter ${nameOf(moves)}\n${stepsIn(stage.controller.log.slice(logged))}`, {
      cause: error,
    })
  }
}

/** What the controller did and told, a line each. */
function stepsIn(log: string): string {
  const lines = log.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line) as Record<string, unknown>]))
  const told = lines.filter(({ msg, reason }) => (msg === 'step' || msg === 'event') && reason !== 'PartialAccount')
  return told
    .map(
      ({ time, action, container, reason, detail }) =>
        `${new Date(Number(time)).toISOString()} ${[action, container, reason, detail].filter(Boolean).join(' ')}`,
    )
    .join('\n')
}

async function carryOut(stage: ModelStage, moves: Move[]): Promise<void> {
  const watch = watcher(stage)
  for (const { act: next, wait } of moves) {
    await perform(stage, next)
    await watch()
    if (wait === 'a look' && stage.isDeclared) await stage.controller.looks(1)
    if (wait === 'an end') await untilAtRest(stage, watch)
  }
  stage.edit({ suspend: false, retry: newToken() })
  await untilAtRest(stage, watch)
  await tellsTheTruth(stage)
  await isQuiet(stage)
}

let tokens = 0
const newToken = (): string => `token-${tokens++}`

async function perform(stage: ModelStage, next: Act): Promise<void> {
  const change = editOf(next, newToken())
  if (change) return stage.edit(change)
  if (next.type === 'declare') return stage.setDeclared(next.declared)
  if (next.type === 'drift') return drift(stage, next)
  await stage.controller.kill()
  await stage.controller.start()
}

async function drift(stage: ModelStage, { how, which }: Act & { type: 'drift' }): Promise<void> {
  const all = await stage.workloads()
  const one = all[which % Math.max(1, all.length)]
  if (one && stage.drifts.includes(how)) await stage.drift(how, one)
}

/** Looks at everything that runs: an epoch has one publisher for ever. Looks at one process after another, so how many there are at once it cannot say. */
function watcher(stage: ModelStage): () => Promise<void> {
  const publishers = new Map<number, string>()
  return async () => {
    for (const workload of await stage.workloads()) {
      const report = await reportOf(workload)
      const open = report?.sessions.find(({ gate }) => gate === 'open')
      if (!report || !open) continue
      const who = `${report.startedAt} ${open.account}`
      const before = publishers.get(report.epoch)
      // A process that died and was started again by its engine goes on in its epoch.
      expect(before?.split(' ')[1] ?? open.account, `epoch ${report.epoch} has one publisher for ever`).toBe(open.account)
      publishers.set(report.epoch, who)
    }
  }
}

async function reportOf({ endpoint }: Found): Promise<FeedReport | undefined> {
  if (endpoint === undefined) return undefined
  try {
    return (await (await fetch(`${endpoint}/v1/status`, { signal: AbortSignal.timeout(2000) })).json()) as FeedReport
  } catch {
    return undefined
  }
}

/** Nothing is in progress, as it is declared now. */
async function untilAtRest(stage: ModelStage, watch: () => Promise<void>): Promise<void> {
  const isAtRest = async () => {
    await watch()
    if (!stage.isDeclared) return (await stage.workloads()).length === 0
    const view = await stage.controller.view(stage.key)
    if (!isOfNow(stage, view)) return false
    if (stage.declared.suspend) return condition(view, 'Ready')?.reason === 'Suspended'
    if (view.status.observedGeneration !== view.metadata.generation) return false
    return condition(view, 'Reconciling') === undefined && ['True', 'False'].includes(condition(view, 'Ready')?.status ?? '')
  }
  // What follows an end, such as the removal of what is left over, comes with later looks.
  const end = performance.now() + settleMs
  for (;;) {
    await until(`an end of ${JSON.stringify(stage.declared)}`, isAtRest, settleMs)
    if (!stage.isDeclared) return
    const before = await stage.controller.writes()
    await stage.controller.looks(3)
    const after = await stage.controller.writes()
    if ((await isAtRest()) && isDeepStrictEqual(after, before)) return
    if (performance.now() > end) throw new Error(`${settleMs} ms later it still writes`)
  }
}

function isOfNow({ declared, reference }: ModelStage, { spec }: ResourceView): boolean {
  const { image, suspend, rollout } = spec as {
    image: string
    suspend: boolean
    rollout: { strategy: string; autoRollback: boolean }
  }
  const isSame = image === reference(declared.image) && suspend === declared.suspend && rollout.strategy === declared.strategy
  return isSame && rollout.autoRollback === declared.autoRollback
}

const condition = ({ status }: ResourceView, type: string) => status.conditions?.find(candidate => candidate.type === type)

async function tellsTheTruth(stage: ModelStage): Promise<void> {
  const all = await stage.workloads()
  if (!stage.isDeclared) return expect(all, 'nothing is left').toEqual([])
  const view = await stage.controller.view(stage.key)
  const status = view.status as FeedStatus
  const ready = condition(view, 'Ready')
  if (stage.declared.image.startsWith('good')) {
    expect(ready, 'a good image is ready').toMatchObject({ status: 'True' })
    await publishesAsTold(stage, all, status)
  } else {
    expect(ready, 'a bad image is not').toMatchObject({ status: 'False' })
    expect(condition(view, 'Stalled')).toBeDefined()
    if (condition(view, 'RolledBack')) {
      expect(all, 'the last good one is back, alone').toMatchObject([{ isRunning: true }])
      const report = await until('the last good one to answer', async () => all[0] && reportOf(all[0]))
      expect(
        report.sessions.filter(({ gate }) => gate === 'open'),
        'the last good one publishes',
      ).toHaveLength(1)
    }
  }
}

async function publishesAsTold(stage: ModelStage, all: Found[], status: FeedStatus): Promise<void> {
  expect(all, 'one runs, and nothing is left over').toMatchObject([{ isRunning: true, name: status.container }])
  const report = await until('it to answer', async () => all[0] && reportOf(all[0]))
  const [open, ...others] = report.sessions.filter(({ gate }) => gate === 'open')
  const { active, backup, instruments } = stage.declared
  expect({ account: open?.account, others, epoch: report.epoch, desired: open?.subscriptions.desired }).toEqual({
    account: status.active,
    others: [],
    epoch: status.epoch,
    desired: instruments,
  })
  if (status.activeReason === 'Declared') expect(status.active).toBe(backup ? active : 'primary')
}

/** Converged is converged: further looks, and a restart of the controller, write nothing. */
async function isQuiet(stage: ModelStage): Promise<void> {
  const { controller } = stage
  if (!stage.isDeclared) return
  const before = await controller.writes()
  await controller.looks(3)
  expect(await controller.writes(), 'nothing to do means doing nothing').toEqual(before)
  await controller.kill()
  await controller.start()
  await controller.looks(2)
  expect(await controller.writes(), 'nor after a restart').toEqual({ engine: 0, feed: 0 })
}
