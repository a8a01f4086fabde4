import { describe, expect, it } from 'vitest'
import type { Tick } from '../../crds/contract/tick.ts'
import { sampleLine, samplePush } from '../publish/sampletick.ts'
import type { TickSource } from '../publish/tick.ts'
import { maxTapped, Tap } from './tap.ts'

const push = (instrument: string) => samplePush(sampleLine(instrument))
const source: TickSource = { feed: 'n/f', account: 'primary' }

function tapped() {
  const sent: { ticks: Tick[]; dropped: number; done: () => void }[] = []
  return { sent, tap: new Tap(source, (ticks, dropped, done) => void sent.push({ ticks, dropped, done })) }
}

describe('a tap', () => {
  it('copies nothing while nobody looks', () => {
    const { sent, tap } = tapped()
    tap.copy(push('a'))
    tap.flush()
    expect(sent).toEqual([])
  })

  it('copies the instruments that are looked at, or all', () => {
    const { sent, tap } = tapped()
    tap.select(['a'])
    for (const name of ['a', 'b']) tap.copy(push(name))
    tap.flush()
    tap.select([])
    for (const name of ['a', 'b']) tap.copy(push(name))
    tap.flush()
    expect(sent.map(({ ticks }) => ticks.map(({ instrument }) => instrument))).toEqual([['a'], ['a', 'b']])
  })

  it('drops and counts what a slow reader does not take, and never holds more than its bound', async () => {
    const { sent, tap } = tapped()
    tap.select([])
    for (let turn = 0; turn < 10; turn++) {
      for (let i = 0; i < maxTapped; i++) tap.copy(push('a'))
      await new Promise(resolve => setImmediate(resolve))
    }
    const inFlight = sent.length
    expect(inFlight).toBeLessThan(10)
    sent[0]?.done()
    await new Promise(resolve => setImmediate(resolve))
    expect(sent).toHaveLength(inFlight + 1)
    expect(sent.at(-1)).toMatchObject({ ticks: { length: maxTapped }, dropped: (10 - inFlight - 1) * maxTapped })
  })
})
