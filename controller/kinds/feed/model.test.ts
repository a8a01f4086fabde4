import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { Account } from '../../../crds/contract/desired.ts'
import { type Act, act as anyAct, editOf } from '../../simulation/act.ts'
import { digestOf } from '../../simulation/engine.ts'
import { feedKey, type ImageName, imageReference, openStage, type Stage } from '../../simulation/stage.ts'

/** About ten seconds; `numRuns` of some thousands is for whoever changes the plan. */
const runs = 50
const maxActions = 25
/** The same in every run, so that a failure is the change's; others are for whoever looks for more. */
const seed = Number(process.env.FEEDPLANE_SEED ?? 1)

/** Ten minutes for two rollouts of 20 s at four looks a second, and a look each two seconds of the rest. */
const healingMs = 600_000
const maxLooks = 500

/** A rollback has about ten; an image that cannot be started is tried anew until its deadline, four writes at a time. */
const maxWrites = 250

/** What operators, the world and fate may do, in any order: what they may do anywhere, and what takes a world that can be bent. */
const action = fc.oneof(
  { weight: 21, arbitrary: anyAct },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('sickImage' as const),
      image: fc.constantFrom<ImageName>('slow', 'unstartable', 'jammed'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('host' as const), host: fc.constantFrom('h1' as const, 'h2' as const) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('hosts' as const), host: fc.constantFrom('h1' as const, 'h2' as const) }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('pin' as const), revision: fc.option(fc.integer({ min: 1, max: 6 })) }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('set' as const), set: fc.constantFrom('declared' as const, 'missing' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('default strategy' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('logins' as const), logins: fc.integer({ min: 1, max: 2 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('state' as const),
      state: fc.constantFrom('Running' as const, 'Stopped' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('secret' as const), password: fc.option(fc.constantFrom('p', 'q')) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('hand' as const),
      how: fc.constantFrom('start' as const, 'prune' as const),
      which: fc.nat(5),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('stranger' as const), number: fc.integer({ min: 1, max: 6 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('away' as const), host: fc.constantFrom('h1', 'h2'), away: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('mute' as const), mute: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('front' as const),
      account: fc.constantFrom<Account>('primary', 'backup'),
      dead: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('flip' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('die' as const),
      at: fc.integer({ min: 1, max: 6 }),
      when: fc.constantFrom('before' as const, 'after' as const),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant('time' as const), ms: fc.constantFrom(5, 120, 300, 2500, 4000, 30_000, 400_000) }),
  },
)
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

let open: Stage | undefined
afterEach(() => {
  open?.close()
  open = undefined
})

describe('a feed whatever happens', () => {
  it.each([{ strategy: 'Recreate' }, { strategy: 'Handover' }, { strategy: undefined }] as const)(
    'keeps its promises by strategy $strategy, and tells the truth once the world is well again',
    { timeout: 120_000 },
    async declared => {
      await fc.assert(
        fc.asyncProperty(fc.array(action, { maxLength: maxActions }), async actions => {
          open?.close()
          open = await openStage()
          open.edit(declared)
          const watch = watcher(open)
          await open.pass(10_000, watch)
          for (const next of actions) {
            await perform(next, open, watch)
            watch()
          }
          await heal(open)
          const before = open.writes.length
          expect(await open.pass(healingMs, watch), 'looks').toBeLessThanOrEqual(maxLooks)
          expect(open.writes.length - before, 'writes').toBeLessThanOrEqual(maxWrites)
          tellsTheTruth(open)
          await isQuiet(open)
        }),
        { numRuns: runs, seed },
      )
    },
  )
})

/** Holds after each look: one that publishes, and one more that is muted, one publisher in an epoch, epochs that only grow, strangers that nobody touched. */
function watcher(stage: Stage): () => void {
  let epoch = 0
  let wasAbandoned = false
  let hasHandedOver = false
  let handover: number | undefined
  const publishers = new Map<number, string>()
  return () => {
    const seen = stage.store.memory.get(feedKey)?.epoch ?? epoch
    expect(seen, 'epochs only grow').toBeGreaterThanOrEqual(epoch)
    epoch = seen
    const isAway = [...stage.engines.values()].some(engine => engine.isAway)
    // A host that is neither there nor declared was given up by its operator: what it runs is fenced by its epoch alone.
    wasAbandoned ||= isAway && stage.declaredHosts.size < stage.engines.size
    const { strategy, startedAt } = stage.store.memory.get(feedKey)?.rollout ?? {}
    if (strategy === 'Handover' && handover !== startedAt)
      expect(stage.spec.logins, 'no account is logged in more often than it allows').toBe(2)
    if (strategy === 'Handover') handover = startedAt
    hasHandedOver ||= strategy === 'Handover'
    const publishing = stage.feeds().filter(feed => feed.isPublishing)
    if (!wasAbandoned) {
      expect(publishing.length, 'one publishes').toBeLessThanOrEqual(1)
      expect(stage.running().length, 'one runs, and a muted one beside it').toBeLessThanOrEqual(hasHandedOver ? 2 : 1)
    }
    for (const feed of publishing) {
      const { account, epoch: its } = feed.gate ?? { account: 'none', epoch: 0 }
      const who = `${feed.workload.id} ${account}`
      expect(publishers.get(its) ?? who, 'an epoch has one publisher for ever').toBe(who)
      publishers.set(its, who)
    }
    for (const engine of stage.engines.values())
      for (const workload of engine.workloads.values())
        if (workload.image === 'stranger') expect(workload.state, 'strangers stay as they are').toBe('created')
  }
}

let token = 0

async function perform(next: Action, stage: Stage, watch: () => void): Promise<void> {
  switch (next.type) {
    case 'sickImage':
      return stage.edit({ image: next.image })
    case 'host':
      return stage.edit({ host: next.host })
    case 'hosts':
      if (!stage.declaredHosts.delete(next.host)) stage.declaredHosts.add(next.host)
      return stage.redeclare()
    case 'pin':
      return stage.edit({ revision: next.revision ?? undefined })
    case 'set':
      return stage.edit({ set: next.set })
    case 'logins':
      return stage.edit({ logins: next.logins })
    case 'default strategy':
      return stage.edit({ strategy: undefined })
    case 'state':
      return stage.edit({ state: next.state })
    case 'secret':
      stage.secrets.values = next.password === null ? undefined : { BROKER_ID: '1', USER_ID: 'u', PASSWORD: next.password }
      return
    case 'hand':
      return lendHand(next, stage)
    case 'stranger': {
      const [host] = stage.engines.values()
      const name = `sim-f-r${next.number}`
      if (host && !host.workloads.has(name)) host.addStranger(name)
      return
    }
    case 'away': {
      const engine = stage.engines.get(`sim/${next.host}`)
      if (engine) engine.isAway = next.away
      return
    }
    case 'mute':
      stage.world.isMute = next.mute
      return
    case 'front':
      if (next.dead) stage.world.deadAccounts.add(next.account)
      else stage.world.deadAccounts.delete(next.account)
      return
    case 'flip':
      stage
        .feeds()
        .find(feed => feed.isPublishing)
        ?.flip()
      return
    case 'die':
      return stage.dieAt(next.at, next.when)
    case 'time':
      await stage.pass(next.ms, watch)
      return
    default:
      return act(next, stage)
  }
}

async function act(next: Act, stage: Stage): Promise<void> {
  const change = editOf(next, String(token++))
  if (change) return stage.edit(change)
  if (next.type === 'declare') return stage.setDeclared(next.declared)
  if (next.type === 'drift') return drift(next, stage)
  stage.crash()
}

const workloadAt = (stage: Stage, which: number) => stage.workloads()[which % Math.max(1, stage.workloads().length)]

// Starting an old container by hand is fenced by its epoch, which is the bus's part: here only while nothing else runs.
async function lendHand({ how, which }: Action & { type: 'hand' }, stage: Stage): Promise<void> {
  const workload = workloadAt(stage, which)
  if (!workload) return
  if (how === 'prune') stage.present.delete(workload.image)
  else if (stage.running().length === 0 && !/unstartable|jammed/.test(workload.image)) await workload.start()
}

async function drift({ how, which }: Act & { type: 'drift' }, stage: Stage): Promise<void> {
  const workload = workloadAt(stage, which)
  if (!workload) return
  const engine = [...stage.engines.values()].find(({ workloads }) => workloads.get(workload.name) === workload)
  if (how === 'kill') return workload.kill()
  if (how === 'stop') return workload.stop()
  engine?.workloads.delete(workload.name)
  if (how === 'remove') await workload.stop()
  else {
    workload.name = `drifted-${workload.id}`
    engine?.workloads.set(workload.name, workload)
  }
  engine?.changed(workload.name)
}

/** The world is well again, and the operator asks for what can be had. */
async function heal(stage: Stage): Promise<void> {
  for (const engine of stage.engines.values()) {
    engine.isAway = false
    for (const [name, { image }] of engine.workloads) if (image === 'stranger') engine.workloads.delete(name)
  }
  stage.world.deadAccounts.clear()
  stage.world.isMute = false
  stage.secrets.values = { BROKER_ID: '1', USER_ID: 'u', PASSWORD: 'p' }
  stage.declaredHosts.add('h1').add('h2')
  stage.dieAt(Number.POSITIVE_INFINITY, 'after')
  stage.edit({ suspend: false, set: 'declared', revision: undefined, retry: `heal ${token++}` })
}

const works = new Set<ImageName>(['good-1', 'good-2', 'slow'])

function tellsTheTruth(stage: Stage): void {
  if (stage.isDeclared && stage.spec.state === 'Stopped') isStoppedAsTold(stage)
  else runsAsTold(stage)
}

function isStoppedAsTold(stage: Stage): void {
  expect(stage.running(), 'nothing runs').toEqual([])
  expect(stage.workloads().length, 'what served is kept, and nothing else').toBeLessThanOrEqual(1)
  expect(stage.condition('Ready')).toMatchObject({ status: 'False', reason: 'Stopped' })
  expect(stage.condition('Stopped')).toMatchObject({ status: 'True' })
  expect(stage.condition('Reconciling'), 'nothing is in progress').toBeUndefined()
  expect(stage.status).toMatchObject({ phase: 'stopped' })
  expect(stage.status?.observedGeneration).toBe(stage.store.declared.get('Feed', feedKey)?.generation)
}

function runsAsTold(stage: Stage): void {
  const running = stage.running()
  if (!stage.isDeclared) {
    expect(stage.workloads(), 'nothing is left').toEqual([])
    expect(stage.store.memory.feeds()).toEqual([])
    return
  }
  const { spec, status } = stage
  const ready = stage.condition('Ready')
  const isStuckBeside = !spec.autoRollback && stage.store.memory.get(feedKey)?.rollout?.strategy === 'Handover'
  expect(running.length, 'at most one runs').toBeLessThanOrEqual(isStuckBeside ? 2 : 1)
  expect(stage.condition('Reconciling'), 'nothing is in progress').toBeUndefined()
  expect(status?.observedGeneration).toBe(stage.store.declared.get('Feed', feedKey)?.generation)
  if (works.has(spec.image)) {
    expect(ready, 'a good image is ready').toMatchObject({ status: 'True' })
    expect(status?.image).toBe(digestOf(imageReference(spec.image)))
    expect(running.map(({ image }) => image)).toEqual([imageReference(spec.image)])
    expect(stage.engines.get(`sim/${spec.host}`)?.workloads.get(running[0]?.name ?? '')).toBe(running[0])
    expect(stage.workloads(), 'nothing is left over').toHaveLength(1)
    publishesAsTold(stage)
  } else {
    expect(ready, 'a bad image is not').toMatchObject({ status: 'False' })
    expect(stage.condition('Stalled')).toBeDefined()
    if (stage.condition('RolledBack')) {
      expect(
        stage.feeds().filter(feed => feed.isPublishing),
        'the last good one publishes',
      ).toHaveLength(1)
      expect(stage.workloads()).toHaveLength(1)
    }
  }
}

function publishesAsTold({ feeds, spec, status }: Stage): void {
  const [feed] = feeds()
  const declared = spec.backup ? spec.active : 'primary'
  expect(feed?.isPublishing).toBe(true)
  expect(status?.epoch).toBe(feed?.gate?.epoch)
  expect(status?.active).toBe(feed?.gate?.account)
  expect(feed?.desired.live.instrumentGroups[0]?.instruments).toHaveLength(spec.instruments)
  if (status?.activeReason === 'Declared') expect(feed?.gate?.account).toBe(declared)
}

/** Converged is converged: two further looks, and a restart of the controller, write nothing. */
async function isQuiet(stage: Stage): Promise<void> {
  const before = stage.writes.length
  await stage.look()
  await stage.look()
  stage.crash()
  await stage.pass(30_000)
  expect(stage.writes.slice(before), 'nothing to do means doing nothing').toEqual([])
}
