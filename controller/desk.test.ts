import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { kinds, type Resource } from '../crds/kinds.ts'
import { indexCatalogue } from './consistency/catalogue.ts'
import { approvalOf } from './deletions.ts'
import { type Desk, openDesk } from './desk.ts'
import { imagePuller } from './engines/puller.ts'
import { engineRegistry } from './engines/registry.ts'
import { type FeedPorts, reconcileFeed } from './kinds/feed/reconcile.ts'
import { controllerMetrics } from './metrics.ts'
import { handClock } from './simulation/clock.ts'
import { simulatedEngine } from './simulation/engine.ts'
import { type FeedWorld, SimulatedFeed, simulatedClient } from './simulation/feed.ts'
import type { Declared } from './sources/source.ts'
import { openStore } from './store/store.ts'

// The desk over the real store and the real reconciler, on an engine and feeds in memory: what runs while deletions are held.

const image = 'sim/f:1'
const four = ['a', 'b', 'c', 'd']

let directory: string
let stage: ReturnType<typeof openStage>

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'feedplane-desk-'))
  stage = openStage(join(directory, 'state.db'))
})

afterEach(() => {
  stage.close()
  rmSync(directory, { recursive: true })
})

describe('a sync without most of the feeds', () => {
  beforeEach(async () => {
    await stage.sync(four)
    await stage.converge(four)
    expect(stage.running()).toEqual(['n-a-r1', 'n-b-r1', 'n-c-r1', 'n-d-r1'])
    await stage.sync(['d'], { suspend: true })
    await stage.converge(four)
  })

  it('removes nothing, and carries out what else it changes', () => {
    expect(stage.running()).toEqual(['n-a-r1', 'n-b-r1', 'n-c-r1', 'n-d-r1'])
    expect(stage.store.declared.get('Feed', 'n/d')?.resource.spec.suspend).toBe(true)
  })

  it('says so at each feed that would go, and at no other', () => {
    const reasons = four.map(name => stage.condition(name, 'SourceValid')?.reason)
    expect(reasons).toEqual(['DeletionHeld', 'DeletionHeld', 'DeletionHeld', 'Read'])
    const told = stage.store.events.list({ kind: 'Feed', limit: 100 }).filter(({ reason }) => reason === 'DeletionHeld')
    expect(told.map(({ key, count }) => ({ key, count }))).toEqual(['a', 'b', 'c'].map(name => ({ key: `n/${name}`, count: 1 })))
  })

  it('is held by the next controller too, by the same digest', async () => {
    const digest = stage.digest()
    stage.restart()
    await stage.sync(['d'], { suspend: true })
    await stage.converge(four)
    expect(stage.running()).toHaveLength(4)
    expect(stage.digest()).toBe(digest)
  })

  it('is forgotten once the feeds are back, however slowly they come', async () => {
    for (const back of [
      ['c', 'd'],
      ['b', 'c', 'd'],
    ]) {
      await stage.sync(back)
      expect(stage.store.declared.list('Feed')).toHaveLength(4)
    }
    await stage.sync(four)
    await stage.converge(four)
    expect(stage.store.held.get()).toBeUndefined()
    expect(stage.condition('a', 'SourceValid')?.reason).toBe('Read')
    expect(stage.running()).toHaveLength(4)
  })

  it('takes effect when exactly it is approved, and says who did', async () => {
    expect(stage.desk().approve({ digest: stage.digest(), by: 'alice' })).toEqual({
      removed: ['Feed/n/a', 'Feed/n/b', 'Feed/n/c'],
    })
    await stage.converge(four)
    expect(stage.running()).toEqual(['n-d-r1'])
    expect(stage.store.held.get()).toBeUndefined()
    const [told] = stage.store.events.list({ kind: 'Source', key: 'deletions', limit: 9 })
    expect(told).toMatchObject({ reason: 'DeletionsApproved', message: expect.stringContaining('alice approved') })
    expect(told?.message).toContain('3 feeds go: n/a, n/b, n/c')
  })

  it('takes no effect by an approval of what was held before', async () => {
    const digest = stage.digest()
    await stage.sync([])
    expect(stage.desk().approve({ digest, by: 'alice' })).toMatchObject({ refused: expect.stringContaining(stage.digest()) })
    await stage.converge(four)
    expect(stage.running()).toHaveLength(4)
  })

  it('cannot be approved while the source cannot be read whole', async () => {
    await stage.sync(['d'], { complete: false })
    expect(stage.desk().approve({ digest: stage.digest(), by: 'alice' })).toMatchObject({
      refused: expect.stringContaining('whole'),
    })
    expect(stage.store.declared.list('Feed')).toHaveLength(4)
  })
})

function openStage(path: string) {
  const clock = handClock(1_700_000_000_000)
  let store = openStore(path)
  const world: FeedWorld = { clock, running: new Map(), deadAccounts: new Set(), isMute: false, onAccepted: () => undefined }
  const engine = simulatedEngine({
    ...{ clock, installation: store.installation.id, present: new Set([image]), registry: new Set<string>() },
    program: workload => {
      const endpoint = `sim://${workload.id}`
      world.running.set(endpoint, new SimulatedFeed(workload, 'good', world))
      return { endpoint, gone: () => world.running.delete(endpoint) }
    },
  })
  const open = (): Desk =>
    openDesk({
      ...{ store, clock, dataDirectory: '/nowhere', environment: {}, metrics: controllerMetrics('test') },
      log: pino({ level: 'silent' }),
      onAffected: () => undefined,
      onEvent: event => void store.events.add(event),
    })
  let desk = open()
  const engines = engineRegistry({
    ...{ open: () => engine, onHint: () => undefined, onWatchFailed: () => undefined, now: clock.now },
  })
  const readSecrets = async () => ({ values: { BROKER_ID: '1', USER_ID: 'u', PASSWORD: 'p' } })
  const ports = (): FeedPorts => ({
    ...{ clock, store, declared: store.declared, engines, feeds: simulatedClient(world) },
    images: imagePuller(clock, () => undefined, AbortSignal.timeout(60_000)),
    secrets: { read: readSecrets, readAside: readSecrets, forget: () => undefined },
    dial: async () => undefined,
    catalogues: async () => new Map([['all.json', indexCatalogue('all.json', [instrument])]]),
    problems: () => desk.problems().filter(({ category }) => category === 'deletion'),
    tokenOf: () => 'token',
    onStep: () => undefined,
    onEvent: event => void store.events.add(event),
    onStatus: () => undefined,
  })
  return {
    get store() {
      return store
    },
    desk: () => desk,
    digest: () => {
      const held = store.held.get()
      if (!held) throw new Error('nothing is held')
      return approvalOf(held)
    },
    sync: (feeds: string[], { suspend = false, complete = true } = {}) =>
      desk.take({ sequence: 1, objects: objectsOf(feeds, suspend), problems: [], complete }),
    /** Looks at the feeds until their rollouts are over. */
    async converge(feeds: string[]): Promise<void> {
      for (let look = 0; look < 12; look++) {
        for (const name of feeds) await reconcileFeed(`n/${name}`, ports(), AbortSignal.timeout(60_000))
        clock.goTo(clock.now() + 500)
      }
    },
    running: () => [...engine.workloads.values()].flatMap(({ name, state }) => (state === 'running' ? [name] : [])).sort(),
    condition: (name: string, type: string) =>
      store.status.get('Feed', `n/${name}`)?.conditions?.find(condition => condition.type === type),
    restart(): void {
      store.close()
      store = openStore(path)
      desk = open()
    },
    close: () => store.close(),
  }
}

const instrument = {
  ...({ exchange: 'CZCE', product: 'AP', class: 'future', multiplier: 10, priceTick: 1 } as const),
  ...{ windows: { day: [] }, id: 'AP001' },
}

function objectsOf(feeds: string[], suspend: boolean): Map<string, Declared> {
  const engineSpec = { type: 'process', images: [{ reference: image, entry: 'x' }] }
  const feed = kinds.Feed.spec.parse({
    ...{ hostRef: 'h', profileRef: 'p', image, credentials: { primary: 'c' }, subscriptions: ['s'], suspend },
    rollout: { strategy: 'Recreate', minHealthy: '1s' },
  })
  const resources: Resource[] = [
    { kind: 'Host', metadata: named('h'), spec: kinds.Host.spec.parse({ engine: engineSpec }) },
    {
      ...{ kind: 'FeedProfile', metadata: named('p') },
      spec: kinds.FeedProfile.spec.parse({ gateway: { type: 'simulator' }, calendar: { type: 'always' } }),
    },
    {
      ...{ kind: 'Credentials', metadata: named('c') },
      spec: kinds.Credentials.spec.parse({ account: 'ctp', env: { prefix: 'C_' } }),
    },
    {
      ...{ kind: 'SubscriptionSet', metadata: named('s') },
      spec: kinds.SubscriptionSet.spec.parse({ catalogue: 'all.json', instruments: ['CZCE.AP001'] }),
    },
    ...feeds.map((name): Resource => ({ kind: 'Feed', metadata: named(name), spec: feed })),
  ]
  const origin = { file: '/m/feeds.yaml', line: 1, column: 1, document: 1 }
  const locate = () => ({ line: 1, column: 1 })
  return new Map(resources.map(resource => [`${resource.kind}/n/${resource.metadata.name}`, { resource, origin, locate }]))
}

const named = (name: string) => ({ namespace: 'n', name })
