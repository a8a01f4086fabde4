import { accounts, type Launch } from '../../../crds/contract/desired.ts'
import { digestOf, digestOnce } from '../../../crds/contract/digest.ts'
import type { Revision, Snapshot } from '../../store/revision.ts'
import type { FeedInput } from './input.ts'

type Made = { from: [profile: unknown, groups: unknown, secrets: string]; snapshot: Snapshot }

const made = new WeakMap<object, Made>()

/**
 * What is declared now, with everything that it refers to: the same object while it is the same. `undefined` while something that it refers
 * to is missing.
 */
export function snapshotOf(input: FeedInput): Snapshot | undefined {
  const { declared, profile, resolution } = input
  if (!declared || !profile || !resolution) return undefined
  const digests = secretDigests(input)
  const from: Made['from'] = [profile, resolution.groups, JSON.stringify(digests)]
  const before = made.get(declared)
  if (before?.from.every((part, index) => part === from[index])) return before.snapshot
  const { spec } = declared.resource
  const { gateway, publish, calendar, queue, rateLimits, watchdog } = profile.resource.spec
  const launch: Launch = {
    gateway,
    publish,
    calendar,
    queue,
    accounts: accounts.filter(account => spec.credentials[account] !== undefined),
  }
  const snapshot: Snapshot = {
    hostRef: spec.hostRef,
    image: spec.image,
    container: spec.container,
    launch,
    live: { rateLimits, watchdog, instrumentGroups: resolution.groups },
    secretDigests: digests,
  }
  made.set(declared, { from, snapshot })
  return snapshot
}

/** The revision that the snapshot is: a kept one with the same inputs, or the next number. */
export function revisionFor(input: FeedInput, snapshot: Snapshot): Revision {
  const inputsDigest = inputsDigestOf(snapshot)
  const kept = input.revisions.findLast(revision => revision.inputsDigest === inputsDigest)
  if (kept) return kept
  const number = Math.max(0, ...input.revisions.map(revision => revision.number)) + 1
  return { number, createdAt: input.now, state: 'pending', reason: undefined, inputsDigest, imageDigest: undefined, snapshot }
}

/** Whether a process of the one runs the other too, as far as what is declared tells. */
export function isSameProcess(a: Snapshot, b: Snapshot): boolean {
  const partOf = ({ live: _live, ...rest }: Snapshot) => digestOf(rest)
  return partOf(a) === partOf(b)
}

const inputsDigests = new WeakMap<Snapshot, string>()

/** Digest of all inputs, computed once. The instruments' part, which can be 20,000 names, is remembered by identity. */
export function inputsDigestOf(snapshot: Snapshot): string {
  const known = inputsDigests.get(snapshot)
  if (known !== undefined) return known
  const { live, ...rest } = snapshot
  const { instrumentGroups, ...limits } = live
  const digest = digestOf({ ...rest, limits, instruments: digestOnce(instrumentGroups) })
  inputsDigests.set(snapshot, digest)
  return digest
}

function secretDigests({ secrets }: FeedInput): Record<string, string> {
  return Object.fromEntries(
    Object.entries(secrets).flatMap(([owner, reading]) => (reading && 'digest' in reading ? [[owner, reading.digest]] : [])),
  )
}
