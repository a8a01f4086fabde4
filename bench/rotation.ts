import { newPassword, writeSecretFile } from '../test/rotation/stage.ts'
import { filesWrittenSince, tracesOf } from '../test/rotation/traces.ts'
import { type AccountStage, lossOf, nextTick, openAccountStage } from './accountstage.ts'
import type { Figure } from './figure.ts'
import type { Measurement } from './measurement.ts'
import { median, percentile } from './sample.ts'

/** Each takes about ten seconds: a login at both accounts, `minHealthy`, the end of the old process. */
const maxRotations = 10

/** What is declared and no controller can shorten: a file must have been the same for a second, and a process good for one. */
const declaredMs = 2000

export const rotation: Measurement = {
  name: 'rotation',
  about: `another password in a file, 100 instruments at 4/s: ticks lost and doubled, pause, traces of the old one; --flips ${maxRotations}`,
  needs: ['nats-server'],
  onRequest: true,
  limitMs: 10 * 60_000,
  async measure(signal, { flips }) {
    const since = Date.now()
    const stage = await openAccountStage()
    try {
      return await measure(stage, Math.min(flips, maxRotations), since, signal)
    } finally {
      await stage.stop()
    }
  },
}

type Rotation = { pauseMs: number; rotationMs: number; traces: number }

async function measure(stage: AccountStage, count: number, since: number, signal: AbortSignal): Promise<Figure[]> {
  const samples: Rotation[] = []
  const old: string[] = []
  for (let i = 0; i < count; i++) {
    signal.throwIfAborted()
    old.push(stage.passwords.primary)
    samples.push(await rotate(stage, i + 2))
  }
  const of = (member: keyof Rotation) => samples.map(sample => sample[member])
  const row = (member: keyof Rotation) => ({
    ...{ unit: 'ms' as const, value: median(of(member)), p99: percentile(of(member), 0.99), n: samples.length },
  })
  const { value, note } = lossOf(stage)
  const named = 'rotation of the active password'
  const traces = of('traces').reduce((sum, found) => sum + found, 0)
  return [
    { name: `${named}: ticks lost or doubled`, unit: 'count', value, n: count, budget: { of: 'value', atMost: 0 }, note },
    {
      name: `${named}: places that still have the old one`,
      unit: 'count',
      value: traces,
      n: count,
      budget: { of: 'value', atMost: 0 },
    },
    {
      name: `${named}: files of the whole disk, written since, that hold an old one`,
      unit: 'count',
      value: filesWrittenSince(since, old).length,
      n: count,
      budget: { of: 'value', atMost: 0 },
    },
    { name: `${named}: pause at a consumer`, ...row('pauseMs'), beside: [nextTick] },
    {
      name: `${named}: file written to the old process gone`,
      ...row('rotationMs'),
      beside: [{ kind: 'floor', name: 'declared waits: 1 s for the file, 1 s of minHealthy', value: declaredMs }],
    },
  ]
}

async function rotate(stage: AccountStage, revision: number): Promise<Rotation> {
  const before = stage.passwords.primary
  stage.changeAtBroker('primary', newPassword())
  const startedAt = performance.now()
  writeSecretFile(stage.directory, 'primary', 'PASSWORD', stage.passwords.primary)
  await stage.serves(revision)
  const rotationMs = performance.now() - startedAt
  const pauseMs = await stage.pauseOf((await stage.status()).epoch ?? 0)
  await stage.moreTicks(2)
  return { pauseMs, rotationMs, traces: tracesOf(before, [stage.directory]).length }
}
