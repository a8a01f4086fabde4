import { expect, it } from 'vitest'
import { kinds, type Resource } from '../../../crds/kinds.ts'
import { openStore } from '../../store/store.ts'
import { type DrillPorts, gather } from './gather.ts'
import { triggerOf } from './plan.ts'

it('takes a drill for due only where the feed was asked: its time may come in the middle of a look', async () => {
  const nextAt = 1_700_000_000_000
  const store = openStore(':memory:')
  const spec = kinds.FailoverDrill.spec.parse({ feedRef: 'f', schedule: '30 17 * * *' })
  const drill: Resource = { kind: 'FailoverDrill', metadata: { namespace: 'n', name: 'd' }, spec }
  store.declared.accept({ objects: [{ resource: drill, origin: { file: 'd.yaml', line: 1 } }], complete: true })
  store.drills.put('n/d', { since: 0, requests: {}, results: [], proven: [], schedule: { text: '', nextAt } })
  store.status.put('Feed', 'n/f', { endpoint: 'http://feed' })
  let now = nextAt - 1
  const asked: string[] = []
  const ports = {
    ...{ store, clock: { now: () => now++ }, problems: () => [], tokenOf: () => 'token', drills: { life: 'one' } },
    feeds: { report: async (endpoint: string) => void asked.push(endpoint) },
  } as unknown as DrillPorts
  const early = await gather('n/d', ports, AbortSignal.timeout(1000))
  expect([triggerOf(early), asked]).toEqual([undefined, []])
  const due = await gather('n/d', ports, AbortSignal.timeout(1000))
  expect([triggerOf(due), asked]).toEqual(['schedule', ['http://feed']])
  store.close()
})
