import { afterEach, beforeEach, expect, it } from 'vitest'
import type { FeedEvent } from '../../../crds/contract/feedstatus.ts'
import type { SimulatedFeed } from '../../simulation/feed.ts'
import { openStage, type Stage } from '../../simulation/stage.ts'
import { maxToldEvents } from './feedevents.ts'

const minuteMs = 60_000

let stage: Stage
let feed: SimulatedFeed
beforeEach(async () => {
  stage = await openStage()
  await stage.pass(minuteMs)
  const [running] = stage.feeds()
  if (!running) throw new Error('nothing runs')
  feed = running
  stage.events.length = 0
  stage.writes.length = 0
})
afterEach(() => stage.close())

const warningOf = (reason: string, fields: FeedEvent['fields'] = {}): Omit<FeedEvent, 'sequence'> => ({
  ...{ at: 1_700_000_000_000, type: 'Warning', reason, message: 'it happened', fields },
})
const tell = (...events: Omit<FeedEvent, 'sequence'>[]) => {
  for (const event of events) feed.events.push({ ...event, sequence: feed.events.length + 1 })
}
const told = () => stage.events.map(({ reason }) => reason)

it('tells what the feed warned of as an event of the Feed, with its time and its facts', async () => {
  tell(warningOf('FrontDisconnected', { account: 'primary', reason: '0x1001', lastTickAt: 1_700_000_000_123 }))
  await stage.pass(minuteMs)
  expect(stage.events).toEqual([
    {
      ...{ kind: 'Feed', key: 'sim/f', at: 1_700_000_000_000, type: 'Warning', reason: 'FrontDisconnected' },
      message: 'it happened (account primary, reason 0x1001, lastTickAt 2023-11-14T22:13:20.123Z)',
    },
  ])
  expect(stage.writes).toEqual([])
})

it('tells each once, also after a restart of the controller, and writes nothing when there is nothing new', async () => {
  tell(warningOf('Gap'), warningOf('WatchdogFlip'))
  await stage.pass(minuteMs)
  const remembered = stage.store.memory.get('sim/f')
  stage.crash()
  await stage.pass(10 * minuteMs)
  expect(told()).toEqual(['Gap', 'WatchdogFlip'])
  expect(stage.store.memory.get('sim/f')).toEqual(remembered)
  tell(warningOf('Gap'))
  await stage.pass(minuteMs)
  expect(told()).toEqual(['Gap', 'WatchdogFlip', 'Gap'])
})

it('leaves out what the controller tells itself, or nobody asked about', async () => {
  tell({ ...warningOf('GateOpened'), type: 'Normal' }, { ...warningOf('Resubscribed'), type: 'Normal' })
  await stage.pass(minuteMs)
  expect(told()).toEqual(['Resubscribed'])
})

it('tells the newest of a flood, and how many it left out', async () => {
  tell(...Array.from({ length: maxToldEvents + 7 }, () => warningOf('Gap')))
  await stage.pass(minuteMs)
  expect(told()).toEqual(['EventsLeftOut', ...Array.from({ length: maxToldEvents }, () => 'Gap')])
  expect(stage.events[0]?.message).toMatch(/^7 older events/)
})

it('counts what the feed itself no longer has', async () => {
  tell(...Array.from({ length: 5 }, () => warningOf('Gap')))
  feed.events.splice(0, 3)
  await stage.pass(minuteMs)
  expect(told()).toEqual(['EventsLeftOut', 'Gap', 'Gap'])
  expect(stage.events[0]?.message).toMatch(/^3 older events/)
})

it('begins anew with a process that was started since', async () => {
  tell(warningOf('Gap'), warningOf('Gap'))
  await stage.pass(minuteMs)
  stage.edit({ image: 'good-2' })
  await stage.pass(minuteMs)
  const [successor] = stage.feeds()
  if (!successor) throw new Error('nothing runs')
  feed = successor
  stage.events.length = 0
  tell(warningOf('BusUnreachable'))
  await stage.pass(minuteMs)
  expect(told()).toEqual(['BusUnreachable'])
  expect(Object.keys(stage.store.memory.get('sim/f')?.heard ?? {})).toEqual([successor.workload.name])
})
