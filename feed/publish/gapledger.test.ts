import { expect, it } from 'vitest'
import type { Gap } from '../../crds/contract/tick.ts'
import { GapLedger, merge } from './gapledger.ts'
import { sampleTick } from './sampletick.ts'

const gapOf = (part: Partial<Gap>): Gap => ({
  feed: 'default/demo',
  epoch: 1,
  reason: 'Conflated',
  from: 10,
  to: 20,
  instrumentCount: 1,
  instruments: ['rb'],
  ...part,
})

it('tells the lost ticks of an epoch and reason as one gap, once', () => {
  const ledger = new GapLedger()
  ledger.add('Conflated', sampleTick({ instrument: 'rb', receivedAt: 30 }))
  ledger.add('Conflated', sampleTick({ instrument: 'cu', receivedAt: 10 }))
  ledger.add('Conflated', sampleTick({ instrument: 'rb', receivedAt: 20 }))
  ledger.add('QueueOverflow', sampleTick({ instrument: 'au', receivedAt: 15, epoch: 2 }))
  expect(ledger.drain('default/demo')).toEqual([
    gapOf({ from: 10, to: 30, instrumentCount: 2, instruments: ['cu', 'rb'] }),
    gapOf({ epoch: 2, reason: 'QueueOverflow', from: 15, to: 15, instruments: ['au'] }),
  ])
  expect(ledger.drain('default/demo')).toEqual([])
})

it('counts the instruments without names where there are more than a hundred', () => {
  const ledger = new GapLedger()
  for (let i = 0; i < 101; i++) ledger.add('Conflated', sampleTick({ instrument: `i${i}` }))
  expect(ledger.drain('default/demo')).toMatchObject([{ instrumentCount: 101, instruments: [] }])
})

it('merges gaps, and the names where both have all of theirs', () => {
  const other = gapOf({ from: 5, to: 12, instrumentCount: 2, instruments: ['cu', 'rb'] })
  expect(merge(gapOf({}), other)).toEqual(gapOf({ from: 5, to: 20, instrumentCount: 2, instruments: ['cu', 'rb'] }))
  expect(merge(gapOf({}), gapOf({ instrumentCount: 300, instruments: [] }))).toMatchObject({
    instrumentCount: 300,
    instruments: [],
  })
})
