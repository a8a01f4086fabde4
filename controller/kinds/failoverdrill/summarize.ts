import type { Status } from '../../../crds/kinds.ts'
import { millisecondsOf } from '../../runtime/duration.ts'
import type { DrillMemory } from '../../store/drill.ts'
import { conditionsOf, isTrue, type NewCondition } from '../condition.ts'
import type { DrillInput } from './input.ts'

/** The status of a FailoverDrill after a look at it. The only place that makes one. */
export function summarize(
  input: DrillInput,
  memory: DrillMemory,
  previous: Status<'FailoverDrill'> | undefined,
): Status<'FailoverDrill'> {
  const generation = input.declared?.generation ?? 0
  const own = [...standing(input, memory), proven(input, memory)]
  const conditions = conditionsOf(own, previous?.conditions, input.now, generation)
  const isFinal = isTrue(conditions, 'Ready') || isTrue(conditions, 'Stalled')
  const observedGeneration = isFinal ? generation : previous?.observedGeneration
  const { run, results, proven: paths, lastPassAt, schedule, requests } = memory
  const last = results.at(-1)
  return {
    ...(observedGeneration !== undefined && { observedGeneration }),
    conditions,
    ...(schedule?.nextAt !== undefined && { nextRun: new Date(schedule.nextAt).toISOString() }),
    ...(run && { phase: run.phase, run: run.id }),
    ...(lastPassAt !== undefined && { lastPassAt }),
    ...(last && { last }),
    ...(paths.length > 0 && { proven: paths }),
    ...(last && { history: results.toReversed().map(historyOf) }),
    ...(Object.keys(requests).length > 0 && { requests }),
  }
}

function historyOf({ id, verdict, reason, trigger, startedAt }: DrillMemory['results'][number]) {
  return { id, verdict, reason, trigger, startedAt }
}

/** `Ready`: it is held when its time comes. `Reconciling` while one is under way, `Stalled` where its declaration must be mended. */
function standing({ declared, problems: [problem] }: DrillInput, { run, schedule }: DrillMemory): NewCondition[] {
  if (run) {
    const message = `${run.id}: ${run.phase} (${run.from} -> ${run.to} and back)`
    return [
      { type: 'Ready', status: 'Unknown', reason: 'DrillUnderWay', message },
      { type: 'Reconciling', status: 'True', reason: 'DrillUnderWay', message },
    ]
  }
  if (problem) {
    const { reason } = problem
    const message = `${problem.message}: ${problem.hint}`
    return [
      { type: 'Ready', status: 'False', reason, message },
      { type: 'Stalled', status: 'True', reason, message },
    ]
  }
  if (declared?.resource.spec.suspend)
    return [{ type: 'Ready', status: 'Unknown', reason: 'DrillSuspended', message: 'spec.suspend is true: no drill is held' }]
  const next = schedule?.nextAt === undefined ? 'on request' : `next at ${new Date(schedule.nextAt).toISOString()}`
  return [{ type: 'Ready', status: 'True', reason: 'DrillArmed', message: next }]
}

/** Whether a failover is proven: a drill has passed lately, and none has failed since. */
function proven(input: DrillInput, memory: DrillMemory): NewCondition {
  const judged = memory.results.findLast(({ verdict }) => verdict === 'pass' || verdict === 'fail')
  const type = 'Proven'
  if (judged?.verdict === 'fail')
    return { type, status: 'False', reason: 'DrillFailed', message: `${judged.id}: ${judged.reason}: ${judged.message}` }
  if (isOverdue(input, memory)) return { type, status: 'False', reason: 'DrillOverdue', message: overdueWords(memory) }
  if (memory.lastPassAt === undefined)
    return { type, status: 'Unknown', reason: 'NeverDrilled', message: 'no drill has passed yet' }
  const message = judged ? `${judged.id}: ${judged.message}` : `passed at ${memory.lastPassAt}`
  return { type, status: 'True', reason: 'DrillPassed', message }
}

/** Whether the last drill that passed, or the first look at one that never has, is too long ago. */
export function isOverdue({ declared, now }: Pick<DrillInput, 'declared' | 'now'>, { lastPassAt, since }: DrillMemory): boolean {
  const from = lastPassAt === undefined ? since : Date.parse(lastPassAt)
  return declared !== undefined && now - from > millisecondsOf(declared.resource.spec.overdueAfter)
}

function overdueWords({ lastPassAt, results }: DrillMemory): string {
  const last = results.at(-1)
  const since = lastPassAt === undefined ? 'no drill has passed yet' : `none has passed since ${lastPassAt}`
  return last === undefined ? since : `${since}; the last one: ${last.verdict}, ${last.reason}: ${last.message}`
}
