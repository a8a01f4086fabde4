import { Gauge, type Registry } from 'prom-client'
import type { Status } from '../../../crds/kinds.ts'

/** How Stacks are. Names, units and labels are documented in `docs/reference/metrics.md`. */
export function stackMetrics(registry: Registry) {
  return {
    service: new Gauge({
      name: 'feedplane_stack_service_ready',
      help: '1 where a service of a Stack runs as declared and its health check passes.',
      labelNames: ['namespace', 'name', 'service'],
      registers: [registry],
    }),
    condition: new Gauge({
      name: 'feedplane_stack_condition',
      help: 'Conditions of Stacks: 1 for the status that holds.',
      labelNames: ['namespace', 'name', 'type', 'status'],
      registers: [registry],
    }),
  }
}

export type StackMetrics = ReturnType<typeof stackMetrics>

const tracked = ['Ready', 'Reconciling', 'Stalled', 'SourceValid']

/** Services that each Stack was shown with, so that the series of one that is gone go with it. */
const shown = new WeakMap<StackMetrics, Map<string, string[]>>()

/** Shows one Stack; a condition that is not there counts as False, and one that is gone has no series. */
export function showStack(metrics: StackMetrics, key: string, status: Status<'Stack'> | undefined): void {
  const [namespace = '', name = ''] = key.split('/')
  const services = status?.services ?? []
  const all = shown.get(metrics) ?? new Map<string, string[]>()
  shown.set(metrics, all)
  for (const service of all.get(key) ?? []) metrics.service.remove({ namespace, name, service })
  all.set(
    key,
    services.map(service => service.name),
  )
  for (const service of services) metrics.service.set({ namespace, name, service: service.name }, service.ready ? 1 : 0)
  for (const type of tracked) {
    const holds = status?.conditions?.find(condition => condition.type === type)?.status ?? 'False'
    for (const value of ['True', 'False', 'Unknown']) {
      if (status) metrics.condition.set({ namespace, name, type, status: value }, value === holds ? 1 : 0)
      else metrics.condition.remove({ namespace, name, type, status: value })
    }
  }
}
