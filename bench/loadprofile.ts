import { setTimeout as delay } from 'node:timers/promises'
import type { Figure } from './figure.ts'
import { openWorld, type Part, partsOf } from './load.ts'
import { type Measurement, settleMs } from './measurement.ts'
import { profileOf } from './profile.ts'
import { usageOf } from './usage.ts'

const profileMs = 20_000

/** Where the time goes while the market is published: by process, and within the session by what its thread runs. */
export const loadProfile: Measurement = {
  name: 'load-profile',
  about: 'the load of --per-second ticks: whose time it is, by process and within the session',
  needs: ['nats-server'],
  onRequest: true,
  limitMs: 5 * 60_000,
  async measure(signal, { perSecond }) {
    const world = await openWorld(perSecond)
    try {
      await delay(settleMs, undefined, { signal })
      const pids = partsOf(world)
      const usage = () => (Object.keys(pids) as Part[]).map(part => [part, usageOf(pids[part]).cpuS] as const)
      const before = new Map(usage())
      const shares = await profileOf(pids.session, profileMs, partOf, signal)
      const spent = usage().map(([part, cpuS]) => [part, cpuS - (before.get(part) ?? 0)] as const)
      await world.feed.stop()
      return [...processFigures(spent), ...threadFigures(shares)]
    } finally {
      await world.close()
    }
  },
}

function processFigures(spent: (readonly [Part, number])[]): Figure[] {
  const total = spent.reduce((sum, [, cpuS]) => sum + cpuS, 0)
  return spent.map(([part, cpuS]) => ({
    name: `load: share of ${part} in the CPU`,
    unit: '%',
    value: (cpuS / total) * 100,
    n: 1,
  }))
}

function threadFigures(shares: Map<string, number>): Figure[] {
  const sorted = [...shares].toSorted(([, a], [, b]) => b - a)
  return sorted.map(([part, share]) => ({ name: `load: the session's thread, ${part}`, unit: '%', value: share * 100, n: 1 }))
}

/** What a function of the session is about. `TextEncoder` is the client's: it encodes the line in front of each message. */
export function partOf({ functionName, url }: { functionName: string; url: string }): string {
  if (functionName === '(idle)') return 'idle'
  if (functionName === '(garbage collector)') return 'garbage collection'
  if (url.includes('/feed/gateways/')) return 'gateway'
  if (/\/feed\/publish\/(tickwriter|bytewriter|tick)\.ts$/.test(url)) return 'encoding'
  if (url.includes('/feed/publish/')) return 'queue and acknowledgements'
  if (url.includes('/feed/')) return 'session and gate'
  if (url.includes('@nats-io/') || url === 'node:internal/encoding' || functionName === 'encodeUtf8String') return 'NATS client'
  return 'Node and the kernel'
}
