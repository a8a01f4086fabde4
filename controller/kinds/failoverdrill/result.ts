import type { DrillResult, drillVerdicts } from '../../../crds/failoverdrill.ts'
import type { DrillFlip, DrillMemory, DrillRun } from '../../store/drill.ts'
import type { Refusal } from './checks.ts'
import { type DrillDecision, idle } from './decision.ts'
import { type DrillInput, reportOf } from './input.ts'
import type { Trouble } from './trouble.ts'

/** Results that are remembered; the files with the evidence are kept longer. */
const rememberedResults = 10

/** When a drill began, as part of a file name: `20261124T093000.000Z`. */
export const idOf = (now: number): string => new Date(now).toISOString().replaceAll(/[-:]/g, '')

/** Nothing was touched. */
export function refuse(input: DrillInput, trigger: DrillResult['trigger'], { reason, message }: Refusal): DrillDecision {
  const at = new Date(input.now).toISOString()
  const result: DrillResult = { id: idOf(input.now), verdict: 'refused', reason, message, trigger, startedAt: at, endedAt: at }
  return ended(input, undefined, result)
}

/** The drill has ended after all its phases: what it took is held against its bounds. */
export function conclude(input: DrillInput, run: DrillRun): DrillDecision {
  return ended(input, run, { ...factsOf(input, run), ...verdictOf(run) })
}

/** The drill has ended early. */
export function breakOff(
  input: DrillInput,
  run: DrillRun,
  { verdict, reason, message }: Trouble,
  restored: boolean,
): DrillDecision {
  const words = restored ? `${run.from} publishes again` : `${run.from} does not publish again yet: the feed goes on trying`
  return ended(input, run, { ...factsOf(input, run), verdict, reason, message: `${message}; ${words}`, restored })
}

function verdictOf({
  failover,
  failback,
  failoverMs,
  failbackMs,
}: DrillRun): Pick<DrillResult, 'verdict' | 'reason' | 'message'> {
  const there = failover?.latencyMs ?? Number.POSITIVE_INFINITY
  const back = failback?.latencyMs ?? Number.POSITIVE_INFINITY
  const message = `failover ${Math.round(there)} ms of ${failoverMs}, failback ${Math.round(back)} ms of ${failbackMs}`
  if (there > failoverMs) return { verdict: 'fail', reason: 'FailoverSlow', message }
  if (back > failbackMs) return { verdict: 'fail', reason: 'FailbackSlow', message }
  return { verdict: 'pass', reason: 'DrillPassed', message }
}

function factsOf(input: DrillInput, run: DrillRun): Omit<DrillResult, 'verdict' | 'reason' | 'message'> {
  const { id, trigger, startedAt, from, to, failover, failback, verifiedAt, behind, worst, gaps } = run
  const now = reportOf(input)?.gaps
  return {
    ...{ id, trigger, from, to, restored: true },
    startedAt: new Date(startedAt).toISOString(),
    endedAt: new Date(input.now).toISOString(),
    ...(failover && { failover: flipOf(failover) }),
    ...(failover && verifiedAt !== undefined && { verifySeconds: (verifiedAt - startedAt) / 1000 }),
    ...(failback && { failback: flipOf(failback) }),
    ...(now !== undefined && { gaps: Math.max(0, now - gaps) }),
    ...(behind && {
      consumers: Object.entries(behind).map(([name, before]) => ({ name, before, worst: worst?.[name] ?? before })),
    }),
  }
}

function flipOf({ orderedAt: _ours, at: _theirs, ...flip }: DrillFlip): DrillResult['failover'] {
  return flip
}

const reasons = {
  pass: 'DrillPassed',
  fail: 'DrillFailed',
  refused: 'DrillRefused',
  aborted: 'DrillAborted',
} as const satisfies Record<(typeof drillVerdicts)[number], string>

function ended(input: DrillInput, run: DrillRun | undefined, result: DrillResult): DrillDecision {
  const { run: _over, ...rest } = input.memory
  const memory: DrillMemory = { ...rest, results: [...rest.results, result].slice(-rememberedResults) }
  const message = `${result.id}: ${result.reason}: ${result.message}`
  const type = result.verdict === 'pass' ? 'Normal' : 'Warning'
  return {
    ...idle(result.verdict === 'pass' ? passed(memory, result) : memory, 0),
    notes: [{ type, reason: reasons[result.verdict], message }],
    wakesFeed: run !== undefined,
    ended: { run, result },
  }
}

function passed(memory: DrillMemory, { from = 'primary', to = 'backup', endedAt, failover, failback }: DrillResult): DrillMemory {
  const there = { from, to, at: endedAt, latencyMs: failover?.latencyMs ?? 0 }
  const back = { from: to, to: from, at: endedAt, latencyMs: failback?.latencyMs ?? 0 }
  return { ...memory, lastPassAt: endedAt, proven: [there, back].sort((a, b) => b.from.localeCompare(a.from)) }
}
