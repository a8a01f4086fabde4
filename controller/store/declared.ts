import type { DatabaseSync } from 'node:sqlite'
import { isDeepStrictEqual } from 'node:util'
import { digestOf } from '../../crds/contract/digest.ts'
import { keyOf } from '../../crds/contract/resource.ts'
import type { KindName, Resource } from '../../crds/kinds.ts'
import { transaction } from './database.ts'

export type Origin = { file: string; line: number }

/** A declared resource with its generation, which counts the changes of what the controller acts upon. */
export type Declared<K extends KindName = KindName> = { resource: Resource<K>; generation: number; origin: Origin }

/** What a complete or partial read of the source brought; `complete: false` deletes nothing. */
export type Incoming = { objects: Iterable<{ resource: Resource; origin: Origin }>; complete: boolean }

/** `moved`: its place in the files, or what the controller does not act upon, is another one. */
export type Change = { kind: KindName; key: string; type: 'added' | 'changed' | 'moved' | 'deleted' }

export type DeclaredStore = {
  get<K extends KindName>(kind: K, key: string): Declared<K> | undefined
  list<K extends KindName>(kind: K): Declared<K>[]
  all(): Declared[]
  /** A Host that is no longer declared, as it was: what runs there may still have to be removed. */
  retiredHost(key: string): Declared<'Host'> | undefined
  /** Takes over what the source read, in one transaction, and says what is different. */
  accept(incoming: Incoming): Change[]
}

export function declaredStore(database: DatabaseSync): DeclaredStore {
  const objects = load(database)
  const upsert = database.prepare('INSERT OR REPLACE INTO declared VALUES (?, ?, ?, ?, ?, ?, ?)')
  const remove = database.prepare('DELETE FROM declared WHERE kind = ? AND key = ?')
  const retire = database.prepare('INSERT OR REPLACE INTO retired_host VALUES (?, ?)')
  const retired = database.prepare('SELECT resource FROM retired_host WHERE key = ?')
  const replace = (next: Map<string, Entry>) => {
    objects.clear()
    for (const [id, entry] of next) objects.set(id, entry)
  }
  const write = ({ resource, generation, origin }: Declared, digest: string) =>
    upsert.run(resource.kind, keyOf(resource.metadata), generation, digest, JSON.stringify(resource), origin.file, origin.line)
  return {
    get: <K extends KindName>(kind: K, key: string) => objects.get(`${kind}/${key}`)?.declared as Declared<K> | undefined,
    list: <K extends KindName>(kind: K) =>
      [...objects.values()].map(entry => entry.declared).filter((item): item is Declared<K> => item.resource.kind === kind),
    retiredHost: key => {
      const text = retired.get(key)?.resource as string | undefined
      return text === undefined ? undefined : (JSON.parse(text) as Declared<'Host'>)
    },
    all: () => [...objects.values()].map(entry => entry.declared),
    accept: ({ objects: incoming, complete }) => {
      const { next, changes } = compare(objects, incoming, complete)
      if (changes.length === 0) return changes
      try {
        transaction(database, () => {
          for (const change of changes) {
            const entry = next.get(`${change.kind}/${change.key}`)
            if (entry) write(entry.declared, entry.digest)
            else {
              if (change.kind === 'Host') retire.run(change.key, JSON.stringify(objects.get(`Host/${change.key}`)?.declared))
              remove.run(change.kind, change.key)
            }
          }
        })
      } catch (error) {
        // A commit whose answer is lost may have reached the disk: what is there now is what is compared with next time.
        replace(load(database))
        throw error
      }
      replace(next)
      return changes
    },
  }
}

type Entry = { declared: Declared; digest: string }

function compare(
  present: Map<string, Entry>,
  incoming: Incoming['objects'],
  complete: boolean,
): { next: Map<string, Entry>; changes: Change[] } {
  const next = new Map<string, Entry>()
  const changes: Change[] = []
  for (const item of incoming) {
    const key = keyOf(item.resource.metadata)
    const id = `${item.resource.kind}/${key}`
    const before = present.get(id)
    const entry = successor(before, item)
    next.set(id, entry)
    const type = changeType(before, entry)
    if (type) changes.push({ kind: item.resource.kind, key, type })
  }
  for (const [id, entry] of present) {
    if (next.has(id)) continue
    if (complete)
      changes.push({ kind: entry.declared.resource.kind, key: keyOf(entry.declared.resource.metadata), type: 'deleted' })
    else next.set(id, entry)
  }
  return { next, changes }
}

function successor(before: Entry | undefined, { resource, origin }: { resource: Resource; origin: Origin }): Entry {
  if (before?.declared.resource === resource) return { declared: { ...before.declared, origin }, digest: before.digest }
  const digest = digestOf({ spec: resource.spec, requests: requestsOf(resource) })
  const generation =
    before === undefined ? 1 : before.digest === digest ? before.declared.generation : before.declared.generation + 1
  return { declared: { resource, generation, origin }, digest }
}

/** Our own annotations ask for acts, so they count; a stranger's do not. */
function requestsOf(resource: Resource): Record<string, string> {
  return Object.fromEntries(
    Object.entries(resource.metadata.annotations ?? {}).filter(([name]) => name.startsWith('feedplane.dev/')),
  )
}

function changeType(before: Entry | undefined, after: Entry): Change['type'] | undefined {
  if (before === undefined) return 'added'
  if (before.digest !== after.digest) return 'changed'
  const [was, is] = [before.declared, after.declared]
  const isSame =
    was.origin.file === is.origin.file &&
    was.origin.line === is.origin.line &&
    (was.resource === is.resource || isDeepStrictEqual(was.resource.metadata, is.resource.metadata))
  return isSame ? undefined : 'moved'
}

function load(database: DatabaseSync): Map<string, Entry> {
  const rows = database.prepare('SELECT * FROM declared').all()
  return new Map(
    rows.map(row => {
      const resource = JSON.parse(String(row.resource)) as Resource
      const origin = { file: String(row.file), line: Number(row.line) }
      return [
        `${row.kind}/${row.key}`,
        { declared: { resource, generation: Number(row.generation), origin }, digest: String(row.digest) },
      ]
    }),
  )
}
