import { describe, expect, it } from 'vitest'
import { type Watch, type WatchdogStep, watch } from './watchdog.ts'

const ticking = { state: 'live', lastTickAt: 1, silenceMs: 100 } as const
const silent: Watch = {
  enabled: true,
  thresholdMs: 60_000,
  active: { state: 'live', silenceMs: 60_000 },
  other: ticking,
  reconnectedAtMs: undefined,
}
const tried: Watch = { ...silent, active: { state: 'live', silenceMs: 90_000 }, reconnectedAtMs: 60_000 }

const cases: [name: string, seen: Watch, step: WatchdogStep][] = [
  ['nothing under the threshold', { ...silent, active: { state: 'live', silenceMs: 59_999 } }, 'none'],
  ['nothing where it is switched off', { ...tried, enabled: false }, 'none'],
  ['a new connection first', silent, 'reconnect'],
  ['nothing while the new connection has its time', { ...tried, active: { state: 'subscribing', silenceMs: 80_000 } }, 'none'],
  ['a flip when the new connection did not help', tried, 'flip'],
  [
    'a flip at once where there is no connection to renew',
    { ...silent, active: { state: 'connecting', silenceMs: 60_000 } },
    'flip',
  ],
  ['no flip without another account', { ...tried, other: undefined }, 'none'],
  ['no flip to one that is not live', { ...tried, other: { ...ticking, state: 'waiting' } }, 'none'],
  ['no flip to one that has never ticked', { ...tried, other: { state: 'live', silenceMs: 100 } }, 'none'],
  ['no flip to one that is silent too', { ...tried, other: { ...ticking, silenceMs: 60_000 } }, 'none'],
]

describe('the watchdog orders', () => {
  it.each(cases)('%s', (_name, seen, step) => {
    expect(watch(seen)).toBe(step)
  })
})
