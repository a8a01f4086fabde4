import { isDeepStrictEqual } from 'node:util'
import type { Account, Desired, DesiredBody } from '../../crds/contract/desired.ts'
import { digestOnce } from '../../crds/contract/digest.ts'

/** What is in force: the accepted desired state, and whose gate is or shall be open in which epoch. */
export type InForce = { desired: Desired; epoch: number; active: Account }

export type Verdict =
  | { outcome: 'unchanged' | 'changed' }
  | { outcome: 'refused'; status: 400 | 409; reason: string; message: string }

/**
 * Whether a feed takes a desired state over. Whoever moves the gate moves the epoch, and an epoch that has been passed never comes
 * back: so a deposed controller, or a message that was on its way too long, cannot open a gate.
 */
export function accept(next: Desired, inForce: InForce): Verdict {
  const { desired, epoch, active } = inForce
  if (isDeepStrictEqual(next, desired)) return { outcome: 'unchanged' }
  if (next.feed !== desired.feed) return refuse('OtherFeed', `this is the feed ${desired.feed}, not ${next.feed}`)
  if (!isDeepStrictEqual(next.launch, desired.launch))
    return refuse('LaunchChanged', 'another launch needs another process: replace this one')
  if (!next.launch.accounts.includes(next.live.active))
    return { ...refuse('AccountUnknown', `live.active ${next.live.active} is not in launch.accounts`), status: 400 }
  if (next.epoch < epoch) return refuse('StaleEpoch', `epoch ${next.epoch} has been passed: ${epoch} is in force`)
  const movesGate = next.live.active !== active || next.live.role !== desired.live.role
  if (next.epoch === epoch && movesGate)
    return refuse('StaleEpoch', `another live.active or live.role needs an epoch above ${epoch}`)
  return { outcome: 'changed' }
}

/**
 * The desired state that a body stands for, with the very groups that are in force where it names equal ones: comparing, digesting and saving 20,000
 * instruments is left out, before a flip. `undefined` where it names a digest that is not theirs.
 */
export function completed({ live, ...rest }: DesiredBody, { live: { instrumentGroups } }: Desired): Desired | undefined {
  const { instrumentsDigest, instrumentGroups: given, ...others } = live
  const isKnown =
    given === undefined ? instrumentsDigest === digestOnce(instrumentGroups) : isDeepStrictEqual(given, instrumentGroups)
  const groups = isKnown ? instrumentGroups : given
  return groups && { ...rest, live: { ...others, instrumentGroups: groups } }
}

const refuse = (reason: string, message: string) => ({ outcome: 'refused', status: 409, reason, message }) as const
