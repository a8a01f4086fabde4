import { expect, it } from 'vitest'
import { type MemoryStep, type MemoryWatch, memoryStep } from './memory.ts'

const over: MemoryWatch = {
  ...{ ageMs: 30_000, bytes: 110, boundBytes: 100 },
  ...{ publishes: true, isQuiet: false, other: { isLive: true, bytes: 50 } },
}
const far = { ...over, bytes: 125 }

const cases: [name: string, seen: MemoryWatch, step: MemoryStep][] = [
  ['leaves a session under its bound alone', { ...over, bytes: 99 }, 'none'],
  ['leaves one alone that has just started: another would be as large', { ...over, publishes: false, ageMs: 29_999 }, 'none'],
  ['replaces the standby at once', { ...over, publishes: false }, 'replace'],
  ['waits for the close with one that publishes', over, 'none'],
  ['replaces one that publishes when the market is closed', { ...over, isQuiet: true }, 'replace'],
  ['lets the other account publish where it cannot wait', far, 'flip'],
  ['replaces it in place where no other is live', { ...far, other: { isLive: false, bytes: 50 } }, 'replace'],
  ['replaces it in place where there is no other', { ...far, other: undefined }, 'replace'],
  ['lets the standby go first where both grow', { ...far, other: { isLive: true, bytes: 110 } }, 'none'],
]

it.each(cases)('%s', (_name, seen, step) => {
  expect(memoryStep(seen)).toBe(step)
})
