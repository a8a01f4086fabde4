import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { addConsumerMetrics, ConsumerWatch } from './consumerwatch.ts'
import type { Supervisor } from './supervisor.ts'
import { desiredWith } from './testing.ts'

function supervisorThat(type: 'none' | 'nats'): Supervisor {
  const desired = desiredWith({})
  const publish = { ...desired.launch.publish, type }
  return { desired: { ...desired, launch: { ...desired.launch, publish } }, consumers: undefined } as unknown as Supervisor
}

describe('without a stream', () => {
  it.each([
    ['none', 'publishes to no bus'],
    ['nats', 'core NATS keeps nothing for consumers'],
  ] as const)('a feed of type %s says why there is no backlog, asks nobody and shows no metric', async (type, why) => {
    const supervisor = supervisorThat(type)
    const registry = new Registry()
    addConsumerMetrics(registry, supervisor)
    const watch = new ConsumerWatch(supervisor, () => {
      throw new Error('the bus was asked')
    })
    watch.stop()
    expect(supervisor.consumers).toEqual({ message: expect.stringContaining(why), items: [], omitted: 0 })
    expect(await registry.metrics()).not.toMatch(/^md_/m)
  })
})
