import { Gauge, type Registry } from 'prom-client'
import { drillVerdicts } from '../../../crds/failoverdrill.ts'
import type { Status } from '../../../crds/kinds.ts'
import type { Declared } from '../../store/declared.ts'
import type { DrillMemory } from '../../store/drill.ts'
import { isOverdue } from './summarize.ts'

/** What drills have shown. Names, units and labels are documented in `docs/reference/metrics.md`. */
export function drillMetrics(registry: Registry) {
  const gauge = <Label extends string>(name: string, help: string, ...own: Label[]) =>
    new Gauge({ name, help, labelNames: ['namespace', 'name', 'feed', ...own], registers: [registry] })
  return {
    lastRun: gauge('feedplane_drill_last_run_timestamp_seconds', 'When the last drill ended or was refused.'),
    lastPass: gauge('feedplane_drill_last_pass_timestamp_seconds', 'When the last drill that passed ended.'),
    verdict: gauge('feedplane_drill_verdict', 'Verdict of the last drill: 1 for the one that it is.', 'verdict'),
    overdue: gauge('feedplane_drill_overdue', '1 while no drill has passed for longer than overdueAfter.'),
    phase: gauge('feedplane_drill_phase_seconds', 'How long a phase of the last drill took.', 'phase'),
  }
}

export type DrillMetrics = ReturnType<typeof drillMetrics>

/** Which feed each drill was shown with, so that its series go with it. */
const shown = new WeakMap<DrillMetrics, Map<string, string>>()

export function showDrill(
  metrics: DrillMetrics,
  key: string,
  declared: Declared<'FailoverDrill'> | undefined,
  status: Status<'FailoverDrill'> | undefined,
): void {
  const [namespace = '', name = ''] = key.split('/')
  const feeds = shown.get(metrics) ?? new Map<string, string>()
  shown.set(metrics, feeds)
  const before = feeds.get(key)
  const feed = declared?.resource.spec.feedRef
  if (before !== undefined && before !== feed) hide(metrics, { namespace, name, feed: before })
  if (feed === undefined) feeds.delete(key)
  else feeds.set(key, feed)
  if (feed !== undefined && status) fill(metrics, { namespace, name, feed }, status)
}

/** With each look: a drill becomes overdue without being another status, also where its last verdict is what the status tells. */
export function showOverdue(
  metrics: DrillMetrics,
  key: string,
  declared: Declared<'FailoverDrill'> | undefined,
  memory: DrillMemory | undefined,
): void {
  const [namespace = '', name = ''] = key.split('/')
  if (!declared || !memory) return
  metrics.overdue.set(
    { namespace, name, feed: declared.resource.spec.feedRef },
    isOverdue({ declared, now: Date.now() }, memory) ? 1 : 0,
  )
}

type Labels = { namespace: string; name: string; feed: string }

const phases = ['failover', 'verify', 'failback'] as const

function fill(metrics: DrillMetrics, labels: Labels, { last, lastPassAt }: Status<'FailoverDrill'>): void {
  if (lastPassAt !== undefined) metrics.lastPass.set(labels, Date.parse(lastPassAt) / 1000)
  if (!last) return
  metrics.lastRun.set(labels, Date.parse(last.endedAt) / 1000)
  for (const verdict of drillVerdicts) metrics.verdict.set({ ...labels, verdict }, verdict === last.verdict ? 1 : 0)
  const { failover, failback, verifySeconds } = last
  const seconds = {
    failover: failover && failover.latencyMs / 1000,
    verify: verifySeconds,
    failback: failback && failback.latencyMs / 1000,
  }
  for (const phase of phases) {
    if (seconds[phase] === undefined) metrics.phase.remove({ ...labels, phase })
    else metrics.phase.set({ ...labels, phase }, seconds[phase])
  }
}

function hide(metrics: DrillMetrics, labels: Labels): void {
  for (const gauge of [metrics.lastRun, metrics.lastPass, metrics.overdue]) gauge.remove(labels)
  for (const verdict of drillVerdicts) metrics.verdict.remove({ ...labels, verdict })
  for (const phase of phases) metrics.phase.remove({ ...labels, phase })
}
