import { expect, it } from 'vitest'
import type { Gap } from '../../crds/contract/tick.ts'
import { Outlet } from './outlet.ts'
import { sampleLine, samplePush } from './sampletick.ts'
import type { Parcel, SenderHandlers } from './sender.ts'

const nextTurn = () => new Promise(resolve => setImmediate(resolve))

/** An outlet on a bus that takes everything and acknowledges what the test tells it to. */
function openOutlet(maxTicks: number) {
  const sent: Parcel[] = []
  const gaps: Gap[] = []
  let handlers: SenderHandlers | undefined
  const outlet = new Outlet({
    ...{ type: 'jetstream', feed: 'n/f', account: 'primary', subjectPrefix: 'market.tick', maxTicks },
    onGap: gap => gaps.push(gap),
    onChange: () => {},
    senderOf: given => {
      handlers = given
      const nothing = { attach: () => {}, detach: () => {}, confirm: () => {}, abandon: () => [] }
      return {
        ...{ hasRoom: () => true, isReady: () => true, outstanding: () => 0, resent: () => 0, ...nothing },
        send: parcel => sent.push(parcel),
      }
    },
    disconnect: async () => {},
  })
  const acknowledge = () => {
    for (const parcel of sent.splice(0)) {
      handlers?.delivered(parcel, 1)
      handlers?.confirmed(parcel)
    }
    handlers?.roomy()
  }
  return { outlet, sent, gaps, acknowledge }
}

const lines = Array.from({ length: 2000 }, (_none, i) => sampleLine(`rb${i}`))
const sequencesOf = (parcels: Parcel[]) => parcels.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()).sequence)

it('sends a few hundred in a turn of the loop, and goes on in the next, so that the front is read in between', async () => {
  const { outlet, sent } = openOutlet(65_536)
  for (const line of lines) outlet.publish(samplePush(line))
  const first = sent.length
  expect(first).toBeGreaterThan(100)
  expect(first).toBeLessThan(1000)
  await nextTurn()
  expect(sent.length).toBe(2 * first)
  for (let i = 0; i < 10; i++) await nextTurn()
  expect(sent.length).toBe(lines.length)
  await outlet.close()
})

it('conflates what comes faster than it leaves, sends the newest, and tells all of it', async () => {
  const { outlet, sent, gaps, acknowledge } = openOutlet(1000)
  const line = sampleLine()
  for (let sequence = 1; sequence <= 1002; sequence++) outlet.publish(samplePush(line, { sequence, receivedAt: sequence }))
  expect(sequencesOf(sent)).toEqual([1])
  expect(outlet.status()).toMatchObject({ queued: 1, conflated: 1000, dropped: 0 })
  acknowledge()
  await nextTurn()
  expect(sequencesOf(sent)).toEqual([1002])
  await outlet.close()
  expect(gaps).toMatchObject([{ reason: 'Conflated', from: 2, to: 1001, instruments: ['rb2605'] }])
})
