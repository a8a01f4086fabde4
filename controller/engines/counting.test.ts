import { expect, it } from 'vitest'
import { stalled } from '../../crds/contract/fault.ts'
import { countingEngine, type EngineCall } from './counting.ts'
import type { Engine } from './engine.ts'

it('tells of every call with its kind, its time and the reason of its failure', async () => {
  const calls: EngineCall[] = []
  const engine = countingEngine(stub(), call => calls.push(call))
  await engine.list(AbortSignal.timeout(1000))
  await expect(engine.remove('a', AbortSignal.timeout(1000))).rejects.toThrow('not ours')
  await engine.close()
  const seconds = expect.any(Number)
  expect(calls).toEqual([
    { name: 'list', kind: 'read', seconds, failure: undefined },
    { name: 'remove', kind: 'write', seconds, failure: 'NotOurs' },
  ])
})

function stub(): Engine {
  const unused = () => Promise.reject(new Error('not called'))
  return {
    ...{ type: 'process', version: unused, clock: unused, inspect: unused, findImage: unused, pullImage: unused, create: unused },
    ...{ writeFiles: unused, start: unused, stop: unused, rename: unused, logs: unused, watch: unused },
    ...{ connect: unused, releaseNetwork: unused },
    list: async () => [],
    remove: () => Promise.reject(stalled('NotOurs', 'not ours')),
    close: async () => undefined,
  }
}
