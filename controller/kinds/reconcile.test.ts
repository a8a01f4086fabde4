import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stalled, transient, waiting } from '../../crds/contract/fault.ts'
import type { KindName } from '../../crds/kinds.ts'
import { subscriptionSetSpec } from '../../crds/subscriptionset.ts'
import { indexCatalogue } from '../consistency/catalogue.ts'
import type { EngineRegistry } from '../engines/registry.ts'
import type { SecretReader } from '../secrets/secret.ts'
import { openStage, type Stage } from '../simulation/stage.ts'
import type { NewEvent } from '../store/event.ts'
import { reconcileCredentials } from './credentials/reconcile.ts'
import { reconcileFeedProfile } from './feedprofile/reconcile.ts'
import { reconcileHost } from './host/reconcile.ts'
import { reconcileSubscriptionSet } from './subscriptionset/reconcile.ts'

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})
afterEach(() => stage.close())

const ports = () => ({ clock: stage.clock, store: stage.store, onEvent: () => undefined, onStatus: () => undefined })
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
  return { of: async () => host, holding: () => [], close: async () => undefined }
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
  const canary = { USER_ID: 'canary', PASSWORD: 'canary' }
  const events: string[] = []
  beforeEach(() => void events.splice(0))

  async function look(read: SecretReader['read']): Promise<void> {
    const onEvent = ({ reason }: NewEvent) => void events.push(reason)
    await reconcileCredentials('sim/a', { ...ports(), onEvent, secrets: { read, readAside: read, forget: () => undefined } })
  }
  const status = () => stage.store.status.get('Credentials', 'sim/a')

  it('are ready when they can be read, and show keys without values', async () => {
    await look(async () => ({ values: canary, version: 3 }))
    expect(shown('Credentials', 'sim/a')).toEqual(['Ready=True SecretsRead', 'observed'])
    expect(status()).toMatchObject({ keys: ['PASSWORD', 'USER_ID'], version: 3 })
    expect(JSON.stringify(status())).not.toContain('canary')
    expect(events).toEqual([])
  })

  it('that are missing are stalled: no try of ours ends it', async () => {
    await look(() => Promise.reject(waiting('SecretMissing', 'set A_PASSWORD')))
    expect(shown('Credentials', 'sim/a')).toEqual(['Ready=False SecretMissing', 'Stalled=True SecretMissing', 'observed'])
    expect(events).toEqual(['SecretMissing'])
  })

  it('whose Vault is away are not ready, keep what was read, and say when it is back', async () => {
    await look(async () => ({ values: canary }))
    const away = { values: canary, trouble: transient('VaultUnreachable', 'nobody there') }
    await look(async () => away)
    await look(async () => away)
    expect(shown('Credentials', 'sim/a')).toEqual([
      'Ready=False VaultUnreachable',
      'Reconciling=True VaultUnreachable',
      'observed',
    ])
    expect(status()).toMatchObject({ keys: ['PASSWORD', 'USER_ID'] })
    expect(status()?.conditions?.[0]?.message).toMatch(/what was read last stays in use/)
    await look(async () => ({ values: canary }))
    expect(events).toEqual(['VaultUnreachable', 'SecretsRead'])
  })

  it('tell of a rotation once, also of one that happened while they could not be read', async () => {
    await look(async () => ({ values: canary }))
    expect(status()?.rotatedAt).toBeUndefined()
    await look(() => Promise.reject(transient('VaultUnreachable', 'nobody there')))
    stage.clock.goTo(stage.clock.now() + 1000)
    await look(async () => ({ values: { ...canary, PASSWORD: 'another' } }))
    await look(async () => ({ values: { ...canary, PASSWORD: 'another' } }))
    expect(events).toEqual(['VaultUnreachable', 'SecretsRead', 'SecretsRotated'])
    expect(status()?.rotatedAt).toBe(new Date(stage.clock.now()).toISOString())
  })
})

describe('a subscription set', () => {
  const terms = { exchange: 'CZCE', product: 'AP', class: 'future', multiplier: 10, priceTick: 1 } as const
  const known = indexCatalogue('all.json', [{ ...terms, id: 'AP010', windows: { day: [] } }])

  async function look(spec: object): Promise<string[]> {
    const declared = subscriptionSetSpec.parse({ catalogue: 'all.json', ...spec })
    const resource = { kind: 'SubscriptionSet' as const, metadata: { name: 's', namespace: 'sim' }, spec: declared }
    stage.store.declared.accept({ objects: [{ resource, origin: { file: 'a.yaml', line: 1 } }], complete: true })
    await reconcileSubscriptionSet('sim/s', { ...ports(), catalogues: async () => new Map([['all.json', known]]) })
    return shown('SubscriptionSet', 'sim/s')
  }

  it('is ready where all of it is in the catalogue, and says how much that is', async () => {
    expect(await look({ instruments: ['CZCE.AP010'] })).toEqual(['Ready=True Resolved', 'observed'])
    expect(stage.store.status.get('SubscriptionSet', 'sim/s')).toMatchObject({ instruments: 1 })
  })

  it('may exclude what is not there: that is a warning', async () => {
    const conditions = await look({ select: [{}], exclude: ['CZCE.AP011'] })
    expect(conditions).toEqual(['Ready=True Resolved', 'observed'])
  })

  const wrong: [string, object, string][] = [
    ['its instruments are not in the catalogue', { instruments: ['CZCE.AP011'] }, 'UnknownInstrument'],
    ['a selector fits nothing', { select: [{ products: ['rb'] }] }, 'NothingSelected'],
    ['nothing is left of it, whatever it warns of besides', { select: [{}], exclude: ['CZCE.AP011', 'CZCE.AP010'] }, 'EmptySet'],
  ]
  it.each(wrong)('is stalled where %s', async (_name, spec, reason) => {
    expect(await look(spec)).toEqual([`Ready=False ${reason}`, `Stalled=True ${reason}`, 'observed'])
  })
})

describe('a feed profile', () => {
  it('is ready when it is declared, and says who uses it', async () => {
    await reconcileFeedProfile('sim/p', ports())
    expect(shown('FeedProfile', 'sim/p')).toEqual(['Ready=True Accepted', 'observed'])
    expect(stage.store.status.get('FeedProfile', 'sim/p')?.conditions?.[0]?.message).toBe('used by f')
  })
})
