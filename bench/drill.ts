import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DrillResult } from '../crds/failoverdrill.ts'
import { feedctl } from '../test/mainjob/feedctl.ts'
import { until } from '../test/services/deadline.ts'
import { type AccountStage, lossOf, nextTick, openAccountStage } from './accountstage.ts'
import type { Figure } from './figure.ts'
import type { Measurement } from './measurement.ts'
import { median, percentile } from './sample.ts'

/** Each takes some seconds. */
const maxDrills = 20

/** The bound of a drill with a warm standby, in ms. */
const warmMs = 250

const manifest = `apiVersion: feedplane.dev/v1alpha1
kind: FailoverDrill
metadata: {name: quick, namespace: bench}
spec: {feedRef: demo, market: any, hold: 1s}
`

export const drill: Measurement = {
  name: 'drill',
  about: `drills by feedctl on a warm standby, 100 instruments at 4/s: failover, failback, ticks lost and doubled; --flips ${maxDrills}`,
  needs: ['nats-server'],
  onRequest: true,
  limitMs: 15 * 60_000,
  async measure(signal, { flips }) {
    const stage = await openAccountStage()
    try {
      return await measure(stage, Math.min(flips, maxDrills), signal)
    } finally {
      await stage.stop()
    }
  },
}

type Drill = { failoverMs: number; failbackMs: number; pauseMs: number }

async function measure(stage: AccountStage, count: number, signal: AbortSignal): Promise<Figure[]> {
  writeFileSync(join(stage.directory, 'manifests/drill.yaml'), manifest)
  await until('the drill to be declared', async () => {
    const { items } = await stage.controller.get<{ items: unknown[] }>('/api/v1/resources?kind=FailoverDrill')
    return items.length > 0
  })
  await until('the backlog of the consumers to be known', async () => (await stage.status()).consumers?.readAt !== undefined)
  const samples: Drill[] = []
  for (let i = 0; i < count; i++) {
    signal.throwIfAborted()
    samples.push(await hold(stage))
  }
  await stage.moreTicks(2)
  const of = (member: keyof Drill) => samples.map(sample => sample[member])
  const row = (member: keyof Drill) => ({
    ...{ unit: 'ms' as const, value: median(of(member)), p99: percentile(of(member), 0.99), n: samples.length },
    beside: [nextTick],
    budget: { of: 'p99' as const, atMost: warmMs },
  })
  const { value, note } = lossOf(stage)
  const named = 'drill, warm standby'
  return [
    { name: `${named}: failover, order to first tick`, ...row('failoverMs') },
    { name: `${named}: failback, order to first tick`, ...row('failbackMs') },
    { name: `${named}: pause of the failover at a consumer`, ...row('pauseMs') },
    { name: `${named}: ticks lost or doubled`, unit: 'count', value, n: count, budget: { of: 'value', atMost: 0 }, note },
  ]
}

async function hold(stage: AccountStage): Promise<Drill> {
  const { url } = stage.controller
  const { out, err } = await feedctl(url, 'drill', 'demo', '-n', 'bench', '--wait', '--timeout', '60s', '-o', 'json')
  const lines = out.split('\n').filter(Boolean)
  const result = lines.map(line => JSON.parse(line) as { type: string }).find(({ type }) => type === 'result') as
    | DrillResult
    | undefined
  if (result?.verdict !== 'pass' || !result.failover || !result.failback)
    throw new Error(`the drill did not pass: ${JSON.stringify(result)} ${err}`)
  const { failover, failback } = result
  return { failoverMs: failover.latencyMs, failbackMs: failback.latencyMs, pauseMs: await stage.pauseOf(failover.epoch) }
}
