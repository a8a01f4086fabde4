import type { Revision, Snapshot } from '../../store/revision.ts'

/** One input that differs between two revisions. Values are as JSON; of a secret only that it is another one. */
export type RevisionChange = {
  /** Member of the snapshot, such as `launch.publish.servers` or `live.watchdog.thresholdSeconds`. */
  path: string
  from?: string
  to?: string
  /** Of `live.instruments`: names that came, went, or have other terms (multiplier, hours). */
  added?: string[]
  removed?: string[]
  changed?: string[]
  /** Whether a process that runs takes it over, or another one is needed. */
  takes: 'live' | 'process'
}

/** What differs between two revisions, from the snapshots that they are: exact, whatever profile and sets say now. */
export function changesBetween(before: Revision, after: Revision): RevisionChange[] {
  const was = leavesOf(before)
  const is = leavesOf(after)
  const paths = [...new Set([...was.keys(), ...is.keys()])].sort()
  const leaves = paths.filter(path => was.get(path) !== is.get(path)).map(path => leafChange(path, was.get(path), is.get(path)))
  return [...leaves, ...secretChanges(before.snapshot, after.snapshot), ...instrumentChanges(before.snapshot, after.snapshot)]
}

function leafChange(path: string, from: string | undefined, to: string | undefined): RevisionChange {
  const takes = path.startsWith('live.') ? 'live' : 'process'
  return { path, ...(from !== undefined && { from }), ...(to !== undefined && { to }), takes }
}

function leavesOf({ snapshot, imageDigest }: Revision): Map<string, string> {
  const { secretDigests: _secrets, live, ...rest } = snapshot
  const { instrumentGroups: _instruments, ...limits } = live
  const leaves = new Map<string, string>()
  collect('', { ...rest, live: limits, ...(imageDigest !== undefined && { imageDigest }) }, leaves)
  return leaves
}

/** Lists are compared as a whole: their order means something. */
function collect(path: string, value: unknown, leaves: Map<string, string>): void {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    leaves.set(path, JSON.stringify(value))
    return
  }
  for (const [name, member] of Object.entries(value))
    if (member !== undefined) collect(path === '' ? name : `${path}.${name}`, member, leaves)
}

function secretChanges({ secretDigests: was }: Snapshot, { secretDigests: is }: Snapshot): RevisionChange[] {
  const owners = [...new Set([...Object.keys(was), ...Object.keys(is)])].sort()
  const word = (digest: string | undefined, text: string) => (digest === undefined ? 'none' : text)
  return owners
    .filter(owner => was[owner] !== is[owner])
    .map(owner => ({
      path: `secrets.${owner}`,
      from: word(was[owner], 'one'),
      to: word(is[owner], was[owner] === undefined ? 'one' : 'another one'),
      takes: 'process',
    }))
}

function instrumentChanges(before: Snapshot, after: Snapshot): RevisionChange[] {
  const was = termsOf(before)
  const is = termsOf(after)
  const added = [...is.keys()].filter(name => !was.has(name))
  const removed = [...was.keys()].filter(name => !is.has(name))
  const changed = [...is.keys()].filter(name => was.has(name) && was.get(name) !== is.get(name))
  if (added.length + removed.length + changed.length === 0) return []
  const counts = { from: `${was.size}`, to: `${is.size}` }
  return [{ path: 'live.instruments', ...counts, added, removed, changed, takes: 'live' }]
}

function termsOf({ live }: Snapshot): Map<string, string> {
  return new Map(
    live.instrumentGroups.flatMap(({ instruments, ...terms }) => {
      const text = JSON.stringify(terms)
      return instruments.map((instrument): [string, string] => [`${terms.exchange}.${instrument}`, text])
    }),
  )
}
