import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Tick } from '../../crds/contract/tick.ts'
import { checkTicks, isTold, type Missing, TickChecker } from './consumer.ts'

type Stamp = [instrument: string, epoch: number, sequence: number]

const tickOf = ([instrument, epoch, sequence]: Stamp): Tick =>
  ({ feed: 'default/demo', exchange: 'SHFE', instrument, epoch, sequence }) as Tick

function check(...stamps: Stamp[]) {
  const missing: Missing[] = []
  const checker = new TickChecker({ onMissing: found => missing.push(found) })
  for (const stamp of stamps) checker.check(tickOf(stamp))
  return { ...checker.counts(), jumps: missing.map(({ instrument, expected, got }) => `${instrument} ${expected} ${got}`) }
}

it('accepts each instrument in its own sequence, from wherever it comes in', () => {
  expect(check(['rb', 1, 7], ['cu', 1, 1], ['rb', 1, 8], ['cu', 1, 2])).toMatchObject({ accepted: 4, missing: 0, duplicates: 0 })
})

it('names the sequences that did not come', () => {
  expect(check(['rb', 1, 1], ['rb', 1, 5])).toMatchObject({ accepted: 2, missing: 3, jumps: ['rb 2 5'] })
})

it.each([
  ['at its time', {}, true],
  ['that does not name its many instruments', { instruments: [], instrumentCount: 200 }, true],
  ['that touches its time', { from: 10, to: 100 }, true],
  ['before it', { from: 10, to: 99 }, false],
  ['after it', { from: 201, to: 300 }, false],
  ['of other instruments', { instruments: ['cu'] }, false],
  ['of another feed', { feed: 'default/other' }, false],
])('finds what is missing in a gap %s: %o, %s', (_where, changes, told) => {
  const missing: Missing[] = []
  const checker = new TickChecker({ onMissing: found => missing.push(found) })
  checker.check({ ...tickOf(['rb', 1, 1]), receivedAt: 100 })
  checker.check({ ...tickOf(['rb', 1, 3]), receivedAt: 200 })
  const gap = { feed: 'default/demo', epoch: 1, from: 150, to: 160, reason: 'Conflated', instrumentCount: 1, instruments: ['rb'] }
  expect(missing.map(one => isTold(one, [{ ...gap, ...changes }]))).toEqual([told])
})

it('refuses a tick that comes again', () => {
  expect(check(['rb', 1, 1], ['rb', 1, 2], ['rb', 1, 2], ['rb', 1, 1])).toMatchObject({ accepted: 2, duplicates: 2, missing: 0 })
})

it('lets a new epoch go on or begin again', () => {
  expect(check(['rb', 1, 4], ['rb', 2, 5])).toMatchObject({ accepted: 2, missing: 0, restarts: 0 })
  expect(check(['rb', 1, 4], ['rb', 2, 1], ['rb', 2, 2])).toMatchObject({ accepted: 3, missing: 0, restarts: 1 })
})

it('counts what is missing at the change of an epoch', () => {
  expect(check(['rb', 1, 4], ['rb', 2, 7])).toMatchObject({ missing: 2, jumps: ['rb 5 7'] })
  expect(check(['rb', 1, 9], ['rb', 2, 3])).toMatchObject({ missing: 2, restarts: 1, jumps: ['rb 1 3'] })
})

it('refuses a deposed publisher for all instruments of the feed', () => {
  expect(check(['rb', 2, 1], ['cu', 1, 1], ['rb', 1, 2])).toMatchObject({ accepted: 1, stale: 2 })
})

it('counts what is no tick', async () => {
  async function* source() {
    yield tickOf(['rb', 1, 1])
    yield { hello: 'world' }
  }
  expect(await checkTicks(source())).toMatchObject({ accepted: 1, malformed: 1 })
})

/** What publishers send over some epochs: each goes on where the last one stopped, or begins again at 1. */
const history = fc
  .array(fc.record({ restarts: fc.boolean(), lengths: fc.array(fc.nat(5), { minLength: 3, maxLength: 3 }) }), { minLength: 1 })
  .map(epochs => {
    const last = [0, 0, 0]
    return epochs.flatMap(({ restarts, lengths }, epoch) => {
      if (restarts) last.fill(0)
      return lengths.flatMap((length, i) =>
        Array.from({ length }, (): Stamp => {
          last[i] = (last[i] ?? 0) + 1
          return [`i${i}`, epoch + 1, last[i] ?? 0]
        }),
      )
    })
  })

it('accepts every history of publishers that lose nothing', () => {
  fc.assert(
    fc.property(history, stamps => {
      expect(check(...stamps)).toMatchObject({ accepted: stamps.length, missing: 0, duplicates: 0, stale: 0 })
    }),
  )
})

it('counts each tick that was lost inside an epoch, and each that came twice', () => {
  const changes = fc.array(fc.constantFrom('keep', 'lose', 'repeat'), { minLength: 40, maxLength: 40 })
  fc.assert(
    fc.property(changes, plan => {
      const inner = plan.map((change, i) => ({ change, stamp: ['rb', 1, i + 2] as Stamp }))
      const sent = inner.flatMap(({ change, stamp }) => (change === 'lose' ? [] : change === 'repeat' ? [stamp, stamp] : [stamp]))
      const counts = check(['rb', 1, 1], ...sent, ['rb', 1, plan.length + 2])
      expect(counts.missing).toBe(plan.filter(change => change === 'lose').length)
      expect(counts.duplicates).toBe(plan.filter(change => change === 'repeat').length)
    }),
  )
})

// The model beside it: what was jumped over is missing, and what comes below the highest sequence so far is refused.
it('accounts for every tick of a stream that was lost, repeated and reordered at will', () => {
  const arrivals = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 80 })
  fc.assert(
    fc.property(arrivals, sequences => {
      const fitting = sequences.filter((sequence, i) => sequence > Math.max(0, ...sequences.slice(0, i)))
      const jumps = fitting.slice(1).flatMap((got, i) => {
        const expected = (fitting[i] ?? 0) + 1
        return got === expected ? [] : [`rb ${expected} ${got}`]
      })
      const span = Math.max(...sequences) - (sequences[0] ?? 0) + 1
      expect(check(...sequences.map((sequence): Stamp => ['rb', 1, sequence]))).toMatchObject({
        received: sequences.length,
        accepted: fitting.length,
        duplicates: sequences.length - fitting.length,
        missing: span - fitting.length,
        jumps,
        stale: 0,
        restarts: 0,
      })
    }),
  )
})
