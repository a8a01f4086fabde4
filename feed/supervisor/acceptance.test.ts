import { describe, expect, it } from 'vitest'
import type { Desired } from '../../crds/contract/desired.ts'
import { digestOf } from '../../crds/contract/digest.ts'
import { groupOf } from '../session/testing.ts'
import { accept, completed } from './acceptance.ts'
import { desiredWith } from './testing.ts'

const desired = desiredWith({ epoch: 5 })
const inForce = { desired, epoch: 5, active: 'primary' } as const
const live = (changes: Partial<Desired['live']>, epoch = 5): Desired => ({
  ...desired,
  epoch,
  live: { ...desired.live, ...changes },
})

const cases: [name: string, next: Desired, outcome: object][] = [
  ['the same', structuredClone(desired), { outcome: 'unchanged' }],
  ['another live part in the same epoch', live({ standby: 'cold' }), { outcome: 'changed' }],
  ['another revision in the same epoch', { ...desired, revision: 9 }, { outcome: 'changed' }],
  ['another account in a higher epoch', live({ active: 'backup' }, 6), { outcome: 'changed' }],
  ['another account in the same epoch', live({ active: 'backup' }), { status: 409, reason: 'StaleEpoch' }],
  ['another role in the same epoch', live({ role: 'standby' }), { status: 409, reason: 'StaleEpoch' }],
  ['a lower epoch', live({ standby: 'cold' }, 4), { status: 409, reason: 'StaleEpoch' }],
  [
    'another launch',
    { ...desired, epoch: 6, launch: { ...desired.launch, accounts: ['primary'] } },
    { status: 409, reason: 'LaunchChanged' },
  ],
  ['another feed', { ...desired, epoch: 6, feed: 'a/b' }, { status: 409, reason: 'OtherFeed' }],
]

describe('a body', () => {
  const { live: settings } = desired
  const withInstruments = (...instruments: string[]) => ({
    ...desired,
    live: { ...settings, instrumentGroups: [groupOf(instruments)] },
  })
  const known = withInstruments('AP010', 'AP011')
  const { instrumentGroups, ...others } = known.live

  it('with equal instruments stands for the very ones that are in force', () => {
    expect(completed(structuredClone(known), known)?.live.instrumentGroups).toBe(instrumentGroups)
    expect(completed(withInstruments('AP012'), known)).toEqual(withInstruments('AP012'))
  })

  it('stands for the instruments whose digest it names, where they are in force', () => {
    const named = (of: Desired) => ({ ...desired, live: { ...others, instrumentsDigest: digestOf(of.live.instrumentGroups) } })
    expect(completed(named(known), known)).toEqual(known)
    expect(completed(named(withInstruments('AP010')), known)).toBeUndefined()
  })
})

describe('a feed takes over', () => {
  it.each(cases)('%s', (_name, next, outcome) => {
    expect(accept(next, inForce)).toMatchObject(outcome)
  })

  it('no account that it was not launched with', () => {
    const single = { ...desired, launch: { ...desired.launch, accounts: ['primary' as const] } }
    const next = { ...single, epoch: 6, live: { ...single.live, active: 'backup' as const } }
    expect(accept(next, { ...inForce, desired: single })).toMatchObject({ status: 400, reason: 'AccountUnknown' })
  })

  it("nothing that would undo the watchdog's flip without a higher epoch", () => {
    const overridden = { desired, epoch: 6, active: 'backup' } as const
    expect(accept(live({ standby: 'cold' }, 5), overridden)).toMatchObject({ reason: 'StaleEpoch' })
    expect(accept(live({ standby: 'cold' }, 6), overridden)).toMatchObject({ reason: 'StaleEpoch' })
    expect(accept(live({ active: 'backup' }, 6), overridden)).toMatchObject({ outcome: 'changed' })
    expect(accept(live({ active: 'primary' }, 7), overridden)).toMatchObject({ outcome: 'changed' })
  })
})
