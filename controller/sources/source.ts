import type { Resource } from '../../crds/kinds.ts'
import type { MemberPath, Position, Problem } from './problem.ts'

/**
 * Where desired state comes from. Every snapshot is the whole truth as the source knows it, so that a consumer may miss any of
 * them except the newest.
 */
export type Source = {
  /** What it reads, for logs: `directory manifests/dev`. */
  readonly name: string
  /**
   * Watches until the signal, and calls `onSnapshot` once after the first look, whatever that look found, and again whenever
   * objects, problems or `complete` have changed. Calls never overlap. Rejects only on a programming error.
   */
  run(onSnapshot: (snapshot: Snapshot) => void, signal: AbortSignal): Promise<void>
}

export type Snapshot = {
  /** Grows by at least one with each snapshot of a run. */
  sequence: number
  /** By `Kind/namespace/name` (`objectKey`). What a bad or unreadable file last declared is still here. */
  objects: ReadonlyMap<string, Declared>
  /** Everything that is wrong with the files themselves. Consistency between objects is `checkConsistency`'s. */
  problems: Problem[]
  /** False while some of the source is unknown: absence from `objects` then means nothing, and nothing may be deleted. */
  complete: boolean
}

/** An object as somebody declared it, with defaults filled in, and where. */
export type Declared = {
  resource: Resource
  origin: Origin
  /** Place of a member; of its nearest parent where the member was not written. Never throws. */
  locate(path: MemberPath): Position
}

/** Where an object begins. */
export type Origin = Position & {
  file: string
  /** Document in the file, from 1. */
  document: number
  /** Index in a `kind: List`. */
  item?: number
}

/** `Kind/namespace/name`. */
export function objectKey(resource: { kind: string; metadata: { namespace: string; name: string } }): string {
  return `${resource.kind}/${resource.metadata.namespace}/${resource.metadata.name}`
}
