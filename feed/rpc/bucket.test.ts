import { expect, it } from 'vitest'
import { Bucket } from './bucket.ts'
import { isCaptured, ownSubjectOf } from './subjects.ts'

it('lets a burst through, and then so many a second', () => {
  let at = 0
  const bucket = new Bucket({ perSecond: 2, burst: 3, now: () => at })
  const taken = (times: number) => Array.from({ length: times }, () => bucket.take()).filter(Boolean).length
  expect(taken(10)).toBe(3)
  at = 1000
  expect(taken(10)).toBe(2)
  at = 1_000_000
  expect(taken(10)).toBe(3)
  at = 0
  expect(taken(10)).toBe(0)
})

it('names the subject of one feed, outside of the ticks', () => {
  expect(ownSubjectOf('market.tick', 'production/ctp', 'md.contracts.list')).toBe(
    'market.tick-rpc.production.ctp.md.contracts.list',
  )
})

it('sees that a stream of ticks would take a request for its own', () => {
  expect(isCaptured('md', 'md.contracts.list')).toBe(true)
  expect(isCaptured('md.subscribe', 'md.subscribe.bulk')).toBe(true)
  expect(isCaptured('md.subscribe', 'md.contracts.list')).toBe(false)
  expect(isCaptured('market.tick', 'md.contracts.list')).toBe(false)
  expect(isCaptured('md.contract', 'md.contracts.list')).toBe(false)
})
