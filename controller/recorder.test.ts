import pino from 'pino'
import { expect, it } from 'vitest'
import { type DrillResult, failoverDrillSpec } from '../crds/failoverdrill.ts'
import { openHub } from './hub.ts'
import { controllerMetrics } from './metrics.ts'
import { openRecorder } from './recorder.ts'
import { openStore } from './store/store.ts'

const hourMs = 3_600_000

it.each([
  ['with time, whatever its status says', 200, 1],
  ['not before', 100, 0],
])('shows a drill that has failed as overdue %s', async (_when, hours, overdue) => {
  const store = openStore(':memory:')
  const metrics = controllerMetrics('0')
  const recorder = openRecorder(store, metrics, openHub(), pino({ level: 'silent' }))
  const at = new Date(Date.now() - hours * hourMs).toISOString()
  const failed = { id: 'one', verdict: 'fail', reason: 'FailoverSlow', message: '', trigger: 'schedule' } as const
  const result: DrillResult = { ...failed, startedAt: at, endedAt: at }
  const proven = { type: 'Proven', status: 'False', reason: 'DrillFailed', message: '' } as const
  const conditions = [{ ...proven, lastTransitionTime: at, observedGeneration: 1 }]
  const spec = failoverDrillSpec.parse({ feedRef: 'f' })
  const resource = { kind: 'FailoverDrill', metadata: { namespace: 'n', name: 'd' }, spec } as const
  store.declared.accept({ objects: [{ resource, origin: { file: 'd.yaml', line: 1 } }], complete: true })
  store.drills.put('n/d', { since: Date.parse(at), requests: {}, results: [result], proven: [] })
  store.status.put('FailoverDrill', 'n/d', { conditions, last: result })
  recorder.changed('FailoverDrill', 'n/d')
  recorder.reconciled('FailoverDrill', 'n/d', { type: 'after', delayMs: 10_000 }, 1)
  const { values } = await metrics.drills.overdue.get()
  expect(values).toEqual([{ labels: { namespace: 'n', name: 'd', feed: 'f' }, value: overdue }])
  store.close()
})
