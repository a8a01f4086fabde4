import type { DrillResult } from '../../crds/failoverdrill.ts'
import type { Spec, Status } from '../../crds/kinds.ts'
import type { ResourceView } from '../api/contract.ts'
import { renderSpan } from './duration.ts'
import { renderTable } from './table.ts'

export type DrillView = ResourceView & { spec: Spec<'FailoverDrill'>; status: Status<'FailoverDrill'> }

export const asDrill = (view: ResourceView): DrillView => view as unknown as DrillView

const glyphs = { pass: '✓', fail: '✗', refused: '!', aborted: '!' } as const

export const verdictWords = (verdict: DrillResult['verdict']): string => `${glyphs[verdict]} ${verdict}`

/** A line for each drill: what it came to last, and when each path was proven. */
export function renderDrills(drills: DrillView[], now: number): string {
  const header = ['DRILL', 'FEED', 'LAST', 'AGE', 'PROVEN', 'NEXT', 'MESSAGE']
  return renderTable(
    header,
    drills.map(({ metadata, spec, status }) => [
      `${metadata.namespace}/${metadata.name}`,
      spec.feedRef,
      status.phase ?? (status.last ? verdictWords(status.last.verdict) : '-'),
      status.last ? ago(status.last.endedAt, now) : '-',
      provenWords(status, now),
      status.nextRun === undefined ? 'on request' : `in ${renderSpan(Date.parse(status.nextRun) - now)}`,
      messageOf(status),
    ]),
  )
}

/** The last drills, newest first, and what the newest one showed. */
export function renderHistory({ status }: DrillView, now: number): string {
  const rows = (status.history ?? []).map(({ id, verdict, reason, trigger, startedAt }) => [
    id,
    verdictWords(verdict),
    ago(startedAt, now),
    trigger,
    reason,
  ])
  const table = renderTable(['ID', 'VERDICT', 'AGE', 'ASKED BY', 'REASON'], rows)
  return status.last ? `${table}\n${renderResult(status.last)}` : 'no drill was held yet\n'
}

/** One result: both flips with their phases, consumers, evidence. */
export function renderResult(result: DrillResult): string {
  const flips = [flipRow('Failover', result.failover), flipRow('Failback', result.failback)].filter(row => row.length > 0)
  const consumers = (result.consumers ?? []).map(({ name, before, worst }) => [
    'Consumer:',
    `${name}: ${before} messages behind before, ${worst} at worst`,
  ])
  return renderTable(
    [],
    [
      ['Verdict:', `${verdictWords(result.verdict)}, ${result.reason}: ${result.message}`],
      ...flips,
      ...(result.verifySeconds === undefined ? [] : [['Verified:', `after ${result.verifySeconds} s`]]),
      ...(result.gaps === undefined ? [] : [['Gaps:', String(result.gaps)]]),
      ...consumers,
      ...(result.evidence === undefined ? [] : [['Evidence:', `${result.evidence} (in the controller's state directory)`]]),
    ],
  )
}

/** Age of what was proven last of the two paths that is older; `never` where one never was. */
export function provenWords({ proven = [], conditions = [] }: Status<'FailoverDrill'>, now: number): string {
  if (proven.length < 2) return 'never'
  const oldest = Math.min(...proven.map(({ at }) => Date.parse(at)))
  const isGood = conditions.some(({ type, status }) => type === 'Proven' && status === 'True')
  return `${isGood ? '✓' : '✗'} ${renderSpan(now - oldest)} ago`
}

function flipRow(title: string, flip: DrillResult['failover']): string[] {
  if (flip === undefined) return []
  const { epoch, latencyMs, closedMs, openedMs, firstTickMs } = flip
  const phases = { closed: closedMs, opened: openedMs, 'first tick': firstTickMs }
  const words = Object.entries(phases).flatMap(([name, ms]) => (ms === undefined ? [] : [`${name} ${ms} ms`]))
  return [`${title}:`, `${latencyMs} ms (${words.join(', ')}), epoch ${epoch}`]
}

function messageOf({ conditions = [] }: Status<'FailoverDrill'>): string {
  const stalled = conditions.find(({ type }) => type === 'Stalled')
  return (stalled ?? conditions.find(({ type }) => type === 'Proven'))?.message ?? ''
}

const ago = (iso: string, now: number): string => renderSpan(now - Date.parse(iso))
