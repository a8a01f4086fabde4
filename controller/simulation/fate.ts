import type { Random } from './random.ts'

/**
 * What becomes of one call:
 *
 * - `fails-before`, `fails-after`: it ends with an error, before its effect or with the effect done and the answer lost.
 * - `hangs`: no answer until the caller's deadline, and no effect; `lands-late`: the same, and the effect comes after all, later.
 * - `is-stale`: a read answers what it answered the last time.
 * - `crashes-before`, `crashes-after`: the controller dies in it.
 */
export type Fate =
  | 'goes-well'
  | 'fails-before'
  | 'fails-after'
  | 'hangs'
  | 'lands-late'
  | 'is-stale'
  | 'crashes-before'
  | 'crashes-after'

export const ills = [
  'fails-before',
  'fails-after',
  'hangs',
  'lands-late',
  'is-stale',
  'crashes-before',
  'crashes-after',
] as const satisfies Fate[]

export type CallKind = 'read' | 'write' | 'store'

/** What a local, synchronous store can suffer: it neither hangs nor forgets. */
const storeIlls = new Set<Fate>(['fails-before', 'fails-after', 'crashes-before', 'crashes-after'])

export type Fates = {
  /** While false, every call goes well. */
  isOn: boolean
  of(kind: CallKind): Fate
}

/** A seed turns on a random part of the ills, each as often as it pleases: some runs know none, some know little else. */
export function drawFates(random: Random): Fates {
  const chances = ills
    .filter(() => random.chance(0.5))
    .map(ill => ({ ill, chance: random.pick([0.002, 0.01, 0.04]) * (ill.startsWith('crashes') ? 0.3 : 1) }))
  const fates: Fates = {
    isOn: true,
    of(kind) {
      let drawn = random.next()
      for (const { ill, chance } of fates.isOn ? chances : []) {
        if (drawn < chance) return suffers(kind, ill) ? ill : 'goes-well'
        drawn -= chance
      }
      return 'goes-well'
    },
  }
  return fates
}

function suffers(kind: CallKind, ill: Fate): boolean {
  if (kind === 'store') return storeIlls.has(ill)
  return kind === 'read' ? ill !== 'lands-late' : ill !== 'is-stale'
}
