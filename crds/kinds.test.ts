import { describe, expect, it } from 'vitest'
import { fieldsOf } from './generator/fields.ts'
import { jsonSchemaOf } from './generator/schema.ts'
import type { Kind } from './kind.ts'
import { kinds } from './kinds.ts'

const all = Object.values(kinds) as unknown as Kind[]

describe.each(all)('$kind', kind => {
  const spec = fieldsOf(jsonSchemaOf(kind.spec))
  const status = fieldsOf(jsonSchemaOf(kind.status))
  const paths = new Set([...spec.map(({ path }) => `.spec.${path}`), ...status.map(({ path }) => `.status.${path}`)])

  it('says of every field what it is for', () => {
    expect([...spec, ...status].filter(({ description }) => description === '').map(({ path }) => path)).toEqual([])
  })

  it('has rules that point at fields of its spec', () => {
    const named = kind.rules.map(({ path }) => path).filter(path => path !== '')
    expect(named.filter(path => !paths.has(`.spec.${path}`))).toEqual([])
  })

  it('has columns that show fields it has', () => {
    const shown = kind.columns.map(({ path }) => path.replace(/\[\?\(.*?\)\]/, '[]'))
    expect(shown.filter(path => !paths.has(path))).toEqual([])
  })
})

describe('rules', () => {
  const credentials = { primary: 'a' }
  const feed = { hostRef: 'h', profileRef: 'p', image: 'i:1', credentials, subscriptions: ['s'] }
  it.each([
    ['Host', { engine: { type: 'docker', images: [{ reference: 'i', entry: 'e' }] } }, 'engine.images'],
    ['Host', { engine: { type: 'process' } }, 'engine.images'],
    ['Host', { engine: { type: 'process', endpoint: 'unix:///s', images: [{ reference: 'i', entry: 'e' }] } }, 'engine.endpoint'],
    ['Host', { engine: { type: 'docker', endpoint: 'tcp://10.0.0.1:2375' } }, 'engine.tls'],
    ['FeedProfile', { gateway: { type: 'replay' } }, 'gateway.replay'],
    ['FeedProfile', { gateway: { type: 'ctp', replay: { files: ['f'] } } }, 'gateway.replay'],
    ['FeedProfile', { gateway: { type: 'ctp' }, publish: { type: 'nats' } }, 'publish.servers'],
    ['Credentials', {}, ''],
    ['Credentials', { env: { prefix: 'A_' }, file: { path: 'a' } }, ''],
    ['SubscriptionSet', { catalogue: 'c' }, ''],
    ['Feed', { ...feed, credentials: { primary: 'a', active: 'backup' } }, 'credentials.active'],
    ['Feed', { ...feed, credentials: { primary: 'a', backup: 'a' } }, 'credentials.backup'],
  ] as const)('%s %j is refused at "%s"', (name, written, path) => {
    const kind = kinds[name] as unknown as Kind
    const spec = kind.spec.parse(written)
    expect(kind.rules.filter(rule => !rule.holds(spec)).map(rule => rule.path)).toEqual([path])
  })

  it.each([
    ['Host', { engine: { type: 'docker', endpoint: 'tcp://127.0.0.1:2375' } }],
    ['Host', { engine: { type: 'docker', endpoint: 'tcp://10.0.0.1:2376', tls: { ca: 'a', cert: 'b', key: 'c' } } }],
    ['FeedProfile', { gateway: { type: 'replay', replay: { files: ['f'] } } }],
    ['Feed', { ...feed, credentials: { primary: 'a', backup: 'b', active: 'backup' } }],
  ] as const)('%s %j is accepted', (name, written) => {
    const kind = kinds[name] as unknown as Kind
    const spec = kind.spec.parse(written)
    expect(kind.rules.filter(rule => !rule.holds(spec))).toEqual([])
  })
})
