import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Resource } from '../../crds/kinds.ts'
import { eventLimit, resourceEventLimit } from './event.ts'
import { openStore, type Store } from './store.ts'

let directory: string
let store: Store

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'feedplane-store-'))
  store = openStore(join(directory, 'state.db'))
})
afterEach(() => {
  store.close()
  rmSync(directory, { recursive: true })
})

function credentials(
  name: string,
  prefix: string,
  annotations?: Record<string, string>,
): { resource: Resource; origin: { file: string; line: number } } {
  const metadata = { name, namespace: 'test', ...(annotations && { annotations }) }
  return {
    resource: { kind: 'Credentials', metadata, spec: { account: 'ctp', logins: 1, env: { prefix } } },
    origin: { file: 'a.yaml', line: 1 },
  }
}

function reopen(): void {
  store.close()
  store = openStore(join(directory, 'state.db'))
}

describe('declared resources', () => {
  it('count a generation up when the spec changes and not when it is read again', () => {
    store.declared.accept({ objects: [credentials('a', 'A_')], complete: true })
    store.declared.accept({ objects: [credentials('a', 'A_')], complete: true })
    expect(store.declared.get('Credentials', 'test/a')?.generation).toBe(1)
    expect(store.declared.accept({ objects: [credentials('a', 'B_')], complete: true })).toEqual([
      { kind: 'Credentials', key: 'test/a', type: 'changed' },
    ])
    expect(store.declared.get('Credentials', 'test/a')?.generation).toBe(2)
  })

  it("count our own annotations, which ask for acts, and not a stranger's", () => {
    store.declared.accept({ objects: [credentials('a', 'A_')], complete: true })
    store.declared.accept({ objects: [credentials('a', 'A_', { 'example.com/note': 'x' })], complete: true })
    expect(store.declared.get('Credentials', 'test/a')?.generation).toBe(1)
    store.declared.accept({ objects: [credentials('a', 'A_', { 'feedplane.dev/retry': '1' })], complete: true })
    expect(store.declared.get('Credentials', 'test/a')?.generation).toBe(2)
  })

  it('have the metadata that is declared now, also after a restart', () => {
    const note = () => store.declared.get('Credentials', 'test/a')?.resource.metadata.annotations
    store.declared.accept({ objects: [credentials('a', 'A_', { 'example.com/note': 'x' })], complete: true })
    store.declared.accept({ objects: [credentials('a', 'A_', { 'example.com/note': 'y' })], complete: true })
    expect(note()).toEqual({ 'example.com/note': 'y' })
    reopen()
    expect(note()).toEqual({ 'example.com/note': 'y' })
  })

  it('stay when the source is incomplete and go when it is whole without them', () => {
    store.declared.accept({ objects: [credentials('a', 'A_'), credentials('b', 'B_')], complete: true })
    expect(store.declared.accept({ objects: [], complete: false })).toEqual([])
    expect(store.declared.all()).toHaveLength(2)
    expect(store.declared.accept({ objects: [credentials('b', 'B_')], complete: true })).toEqual([
      { kind: 'Credentials', key: 'test/a', type: 'deleted' },
    ])
    expect(store.declared.all()).toHaveLength(1)
  })

  it('are the same after a restart, generation included', () => {
    store.declared.accept({ objects: [credentials('a', 'A_')], complete: true })
    store.declared.accept({ objects: [credentials('a', 'B_')], complete: true })
    const before = store.declared.get('Credentials', 'test/a')
    reopen()
    expect(store.declared.get('Credentials', 'test/a')).toEqual(before)
    expect(store.declared.accept({ objects: [credentials('a', 'B_')], complete: true })).toEqual([])
  })
})

describe('what is forgotten', () => {
  it('leaves the epoch behind, so that a feed of the same name goes on from there', () => {
    store.memory.put('test/f', { epoch: 7, hosts: [], requests: {} })
    store.memory.remove('test/f')
    reopen()
    expect(store.memory.feeds()).toEqual([])
    expect(store.memory.lastEpoch('test/f')).toBe(7)
    expect(store.memory.lastEpoch('test/g')).toBe(0)
  })

  it('leaves a host behind, so that what runs there can be removed', () => {
    const resource: Resource = {
      kind: 'Host',
      metadata: { name: 'h', namespace: 'test' },
      spec: { engine: { type: 'docker' }, network: 'n', project: 'p', reach: 'published', bindRoots: [] },
    }
    store.declared.accept({ objects: [{ resource, origin: { file: 'a.yaml', line: 1 } }], complete: true })
    store.declared.accept({ objects: [], complete: true })
    reopen()
    expect(store.declared.get('Host', 'test/h')).toBeUndefined()
    expect(store.declared.retiredHost('test/h')?.resource.spec).toEqual(resource.spec)
  })

  it('is not the cache of revisions where nothing was forgotten', () => {
    const before = store.revisions.list('test/f')
    store.revisions.remove('test/f', [])
    expect(store.revisions.list('test/f')).toBe(before)
  })
})

describe('status', () => {
  it('is written when it says something else, not when only a rate moved', () => {
    expect(store.status.put('Feed', 'test/f', { ticksPerSecond: 1, phase: 'proving' })).toBe(true)
    expect(store.status.put('Feed', 'test/f', { ticksPerSecond: 2, phase: 'proving' })).toBe(false)
    expect(store.status.get('Feed', 'test/f')?.ticksPerSecond).toBe(2)
    expect(store.status.put('Feed', 'test/f', { ticksPerSecond: 2, phase: 'settling' })).toBe(true)
    reopen()
    expect(store.status.get('Feed', 'test/f')?.phase).toBe('settling')
  })
})

describe('events', () => {
  const event = { at: 1, kind: 'Feed', key: 'test/f', type: 'Normal', reason: 'Started', message: 'started' } as const

  it('count up instead of repeating', () => {
    store.events.add(event)
    store.events.add({ ...event, at: 2 })
    store.events.add({ ...event, reason: 'Stopped' })
    expect(store.events.list({ limit: 10 }).map(({ reason, count, at }) => [reason, count, at])).toEqual([
      ['Started', 2, 2],
      ['Stopped', 1, 1],
    ])
  })

  it('are found by resource, the newest of them', () => {
    for (let i = 0; i < 5; i++) store.events.add({ ...event, message: `started ${i}` })
    store.events.add({ ...event, key: 'test/other' })
    expect(store.events.list({ kind: 'Feed', key: 'test/f', limit: 2 }).map(item => item.message)).toEqual([
      'started 3',
      'started 4',
    ])
  })

  it('are bounded for each resource, so that one that has much to tell forces no other out', () => {
    store.events.add({ ...event, key: 'test/other' })
    for (let i = 0; i < resourceEventLimit + 500; i++) store.events.add({ ...event, message: `started ${i}` })
    const kept = store.events.list({ kind: 'Feed', key: 'test/f', limit: 5000 })
    expect(kept.length).toBeLessThan(resourceEventLimit + 100)
    expect(kept.at(-1)?.message).toBe(`started ${resourceEventLimit + 499}`)
    expect(store.events.list({ kind: 'Feed', key: 'test/other', limit: 5 })).toHaveLength(1)
  })

  it.each([1, 2])('go by how many are kept, and not by how many were ever told of %i resources in turn', resources => {
    store.events.add({ ...event, kind: 'Source', key: 'deletions', reason: 'DeletionsApproved' })
    store.transaction(() => {
      for (let i = 0; i < eventLimit + 500; i++)
        store.events.add({ ...event, key: `test/f${i % resources}`, message: `started ${i}` })
    })
    expect(store.events.list({ kind: 'Source', limit: 5 })).toHaveLength(1)
  })

  it('are bounded in all', () => {
    const resources = 2 * (eventLimit / resourceEventLimit)
    store.transaction(() => {
      for (let i = 0; i < eventLimit + 500; i++) store.events.add({ ...event, key: `test/f${i % resources}`, message: `${i}` })
    })
    const kept = store.events.list({ limit: 2 * eventLimit })
    expect(kept.length).toBeLessThan(eventLimit + 100)
    expect(kept.at(-1)?.message).toBe(`${eventLimit + 499}`)
  })
})

describe('the state file', () => {
  it('keeps all of a transaction or nothing', () => {
    const broken = () =>
      store.transaction(() => {
        store.events.add({ at: 1, kind: 'Feed', key: 'test/f', type: 'Normal', reason: 'Started', message: 'started' })
        throw new Error('in the middle')
      })
    expect(broken).toThrow('in the middle')
    expect(store.events.list({ limit: 10 })).toEqual([])
  })

  it('is for its user only, and keeps its identity', () => {
    const { id } = store.installation
    expect(statSync(join(directory, 'state.db')).mode & 0o777).toBe(0o600)
    reopen()
    expect(store.installation.id).toBe(id)
  })

  it('of the version before is taken over with all that it holds', () => {
    store.memory.put('test/f', { epoch: 7, hosts: [], requests: {} })
    const { id } = store.installation
    store.close()
    const old = new DatabaseSync(join(directory, 'state.db'))
    old.exec(
      'DROP TABLE last_epoch; DROP TABLE retired_host; DROP TABLE held_deletion; DROP TABLE drill; DROP TABLE stack; PRAGMA user_version = 1',
    )
    old.close()
    store = openStore(join(directory, 'state.db'))
    expect(store.installation.id).toBe(id)
    expect(store.memory.get('test/f')?.epoch).toBe(7)
    expect(store.memory.lastEpoch('test/f')).toBe(0)
  })

  const other = () => join(directory, 'other.db')
  const database = (script: string) => {
    const made = new DatabaseSync(other())
    made.exec(script)
    made.close()
  }
  const content = () => (statSync(other()).isFile() ? readFileSync(other()) : undefined)
  const refused: [string, () => void, string, RegExp][] = [
    [
      'is no database',
      () => writeFileSync(other(), 'this is not a database, and it is long enough to be looked at as one'.repeat(20)),
      'StateUnreadable',
      /not the state of a controller.*--state/,
    ],
    ['is a database of others', () => database('CREATE TABLE t (a)'), 'StateUnreadable', /not the state of a controller/],
    ['is another version of others', () => database('CREATE TABLE t (a); PRAGMA user_version = 3'), 'StateUnreadable', /--state/],
    ['is a folder', () => mkdirSync(other()), 'StateUnreadable', /cannot be opened.*read and write/],
    ['is of a newer controller', () => newer(), 'StateTooNew', /schema 99.*start that version/],
  ]
  const newer = () => {
    openStore(other()).close()
    database('PRAGMA user_version = 99')
  }
  it.each(refused)('is refused with a way out where it %s, and left as it is', (_what, make, reason, message) => {
    make()
    const before = content()
    expect(() => openStore(other())).toThrow(expect.objectContaining({ reason, message: expect.stringMatching(message) }))
    expect(content()).toEqual(before)
  })
})
