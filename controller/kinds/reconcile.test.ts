import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stalled, transient, waiting } from '../../crds/contract/fault.ts'
import type { KindName } from '../../crds/kinds.ts'
import { indexCatalogue } from '../consistency/catalogue.ts'
import type { EngineRegistry } from '../engines/registry.ts'
import { openStage, type Stage } from '../simulation/stage.ts'
import { reconcileCredentials } from './credentials/reconcile.ts'
import { reconcileFeedProfile } from './feedprofile/reconcile.ts'
import { reconcileHost } from './host/reconcile.ts'
import { reconcileSubscriptionSet } from './subscriptionset/reconcile.ts'

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})
afterEach(() => stage.close())

const ports = () => ({ clock: stage.clock, store: stage.store, onStatus: () => undefined })
const soon = () => AbortSignal.timeout(5000)

/** The conditions as `Type=Status Reason`, and whether they speak of the declared generation. */
function shown(kind: KindName, key: string): string[] {
  const status = stage.store.status.get(kind, key)
  const isObserved = status?.observedGeneration === stage.store.declared.get(kind, key)?.generation
  const conditions = status?.conditions?.map(({ type, status: its, reason }) => `${type}=${its} ${reason}`) ?? []
  return [...conditions, isObserved ? 'observed' : 'not observed']
}

function answering(version: () => Promise<string>): EngineRegistry {
  const [engine] = stage.engines.values()
  if (!engine) throw new Error('the stage has no engine')
  const host = { engine: { ...engine, version }, workloads: engine.list, invalidate: () => undefined }
  return { of: async () => host, close: async () => undefined }
}

describe('a host', () => {
  const answers: [string, () => Promise<string>, string, string[]][] = [
    ['is ready when its engine answers', async () => 'Node v24', 'done', ['Ready=True EngineAnswers', 'observed']],
    [
      'whose engine is away is not, and is asked again',
      () => Promise.reject(transient('EngineUnreachable', 'nobody there')),
      'error',
      ['Ready=False EngineUnreachable', 'not observed'],
    ],
    [
      'that is declared wrongly is stalled',
      () => Promise.reject(stalled('InvalidEndpoint', 'no such file')),
      'stalled',
      ['Ready=False InvalidEndpoint', 'Stalled=True InvalidEndpoint', 'observed'],
    ],
  ]
  it.each(answers)('%s', async (_name, version, result, conditions) => {
    const { type } = await reconcileHost('sim/h1', { ...ports(), engines: answering(version) }, soon())
    expect(type).toBe(result)
    expect(shown('Host', 'sim/h1')).toEqual(conditions)
  })

  it('counts its feeds, and is forgotten when it is no longer declared', async () => {
    const engines = answering(async () => 'Node v24')
    await reconcileHost('sim/h1', { ...ports(), engines }, soon())
    expect(stage.store.status.get('Host', 'sim/h1')?.feeds).toBe(1)
    stage.declaredHosts.delete('h1')
    stage.redeclare()
    await reconcileHost('sim/h1', { ...ports(), engines }, soon())
    expect(stage.store.status.get('Host', 'sim/h1')).toBeUndefined()
  })
})

describe('credentials', () => {
  it('are ready when they can be read, and show keys without values', async () => {
    await reconcileCredentials('sim/a', { ...ports(), secrets: async () => ({ USER_ID: 'canary', PASSWORD: 'canary' }) })
    expect(shown('Credentials', 'sim/a')).toEqual(['Ready=True SecretsRead', 'observed'])
    expect(stage.store.status.get('Credentials', 'sim/a')).toMatchObject({ keys: ['PASSWORD', 'USER_ID'] })
    expect(JSON.stringify(stage.store.status.get('Credentials', 'sim/a'))).not.toContain('canary')
  })

  it('that are missing are stalled: no try of ours ends it', async () => {
    const secrets = () => Promise.reject(waiting('SecretMissing', 'set A_PASSWORD'))
    await reconcileCredentials('sim/a', { ...ports(), secrets })
    expect(shown('Credentials', 'sim/a')).toEqual(['Ready=False SecretMissing', 'Stalled=True SecretMissing', 'observed'])
  })
})

describe('a subscription set', () => {
  it('is stalled where its instruments are not in the catalogue', async () => {
    const catalogues = async () => new Map([['all.json', indexCatalogue('all.json', [])]])
    await reconcileSubscriptionSet('sim/s', { ...ports(), catalogues })
    const [ready, stall, observed] = shown('SubscriptionSet', 'sim/s')
    expect([ready?.split(' ')[0], stall?.split(' ')[0], observed]).toEqual(['Ready=False', 'Stalled=True', 'observed'])
  })
})

describe('a feed profile', () => {
  it('is ready when it is declared, and says who uses it', async () => {
    await reconcileFeedProfile('sim/p', ports())
    expect(shown('FeedProfile', 'sim/p')).toEqual(['Ready=True Accepted', 'observed'])
    expect(stage.store.status.get('FeedProfile', 'sim/p')?.conditions?.[0]?.message).toBe('used by f')
  })
})
