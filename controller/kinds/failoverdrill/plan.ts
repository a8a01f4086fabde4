import { keyOf } from '../../../crds/contract/resource.ts'
import { type DrillResult, drillAnnotation } from '../../../crds/failoverdrill.ts'
import { millisecondsOf } from '../../runtime/duration.ts'
import type { DrillMemory, DrillRun } from '../../store/drill.ts'
import { type Note, normal, warning } from '../feed/decision.ts'
import { firstRefusal } from './checks.ts'
import { advance } from './course.ts'
import { type DrillDecision, idle, idleMs, underWayMs } from './decision.ts'
import { behindOf, coverageOf, type DrillInput, otherThan, reportOf, sessionOf } from './input.ts'
import { idOf, refuse } from './result.ts'
import { nextRun } from './schedule.ts'

/**
 * Decides what to do about a FailoverDrill: a pure function of what is declared and observed now.
 *
 * - One is under way: it goes on, phase by phase, or is undone.
 * - Its time has come, or somebody asks for it: it begins, or is refused before anything was touched.
 * - Otherwise it waits.
 */
export function plan(input: DrillInput): DrillDecision {
  const { memory, note } = withRequest(input, withSchedule(input))
  const at = { ...input, memory }
  const decision = memory.run ? advance(at, memory.run) : rest(at)
  return note ? { ...decision, notes: [note, ...decision.notes] } : decision
}

/** What asks for a drill now. */
export function triggerOf({
  declared,
  memory,
  now,
}: Pick<DrillInput, 'declared' | 'memory' | 'now'>): DrillResult['trigger'] | undefined {
  if (!declared || memory.run) return undefined
  if (newToken({ declared, memory }) !== undefined) return 'request'
  const { nextAt = Number.POSITIVE_INFINITY } = memory.schedule ?? {}
  const isDue = now >= nextAt && now - nextAt <= millisecondsOf(declared.resource.spec.startingDeadline)
  return isDue ? 'schedule' : undefined
}

function newToken({ declared, memory }: Pick<DrillInput, 'declared' | 'memory'>): string | undefined {
  const token = declared?.resource.metadata.annotations?.[drillAnnotation]
  return token !== undefined && token !== memory.requests.drill ? token : undefined
}

/** The schedule is worked out anew where it is another one than before. A suspended drill has none. */
function withSchedule({ declared, memory, now }: DrillInput): DrillMemory {
  const { schedule, timeZone, suspend } = declared?.resource.spec ?? {}
  const { schedule: before, ...others } = memory
  if (schedule === undefined || timeZone === undefined || suspend) return others
  const text = `${timeZone} ${schedule}`
  return before?.text === text ? memory : { ...memory, schedule: { text, ...next(schedule, timeZone, now) } }
}

// One that cannot be read is a problem of the declaration, which a drill is refused for.
function next(schedule: string, timeZone: string, now: number): { nextAt?: number } {
  try {
    const nextAt = nextRun(schedule, timeZone, now)
    return nextAt === undefined ? {} : { nextAt }
  } catch {
    return {}
  }
}

/** A request that comes in the middle of a drill asks for nothing: it is told, and remembered. */
function withRequest(input: DrillInput, memory: DrillMemory): { memory: DrillMemory; note?: Note } {
  const token = newToken({ ...input, memory })
  if (token === undefined || !memory.run) return { memory }
  const note = warning('DrillIgnored', 'a drill was asked for while one is under way')
  return { memory: { ...memory, requests: { drill: token } }, note }
}

function rest(input: DrillInput): DrillDecision {
  const { declared, memory, now } = input
  if (!declared) return { ...idle(memory), gone: true }
  const trigger = triggerOf(input)
  const { nextAt = Number.POSITIVE_INFINITY } = memory.schedule ?? {}
  if (trigger === 'schedule' && input.feed?.resource.spec.state === 'Stopped') return skip(input)
  if (trigger) return begin({ ...input, memory: carriedOut(input, trigger) }, trigger)
  if (now < nextAt) return idle(memory, Math.min(idleMs, nextAt - now))
  const note = warning('DrillMissed', `nobody was there at ${new Date(nextAt).toISOString()}, and now it is too late for it`)
  return { ...idle(carriedOut(input, 'schedule'), 0), notes: [note] }
}

/** Its time has come while the feed is stopped, as it is declared to be: that says nothing about failover. */
function skip(input: DrillInput): DrillDecision {
  const note = normal('DrillSkipped', 'its time has come, and the feed is declared Stopped')
  return { ...idle(carriedOut(input, 'schedule'), 0), notes: [note] }
}

function carriedOut({ declared, memory, now }: DrillInput, trigger: DrillResult['trigger']): DrillMemory {
  if (trigger === 'request') return { ...memory, requests: { drill: newToken({ declared, memory }) ?? '' } }
  const { schedule = '', timeZone = '' } = declared?.resource.spec ?? {}
  return { ...memory, schedule: { text: `${timeZone} ${schedule}`, ...next(schedule, timeZone, now) } }
}

function begin(input: DrillInput, trigger: DrillResult['trigger']): DrillDecision {
  const refusal = firstRefusal(input)
  const run = newRun(input, trigger)
  if (refusal || !run)
    return refuse(input, trigger, refusal ?? { reason: 'FeedNotAnswering', message: 'the feed does not answer' })
  const text = `${run.id}: ${run.from} -> ${run.to} and back, asked for by ${trigger}`
  return {
    ...idle({ ...input.memory, run }, underWayMs),
    notes: [normal('DrillStarted', text)],
    begins: true,
    wakesFeed: true,
  }
}

function newRun(input: DrillInput, trigger: DrillResult['trigger']): DrillRun | undefined {
  const { feed, declared, now, life } = input
  const report = reportOf(input)
  if (!feed || !declared || !report) return undefined
  const { hold, bounds, consumers, market } = declared.resource.spec
  const from = report.active
  const behind = behindOf(report)
  return {
    ...{ id: idOf(now), trigger, life, feed: keyOf(feed.resource.metadata), generation: feed.generation },
    ...{ processStartedAt: report.startedAt, epoch: report.epoch, gaps: report.gaps },
    coverage: coverageOf(sessionOf(report, from)),
    ...(behind && { behind }),
    ...{ from, to: otherThan(from), market, maxGrowth: consumers.maxGrowth },
    holdMs: millisecondsOf(hold),
    failoverMs: millisecondsOf(bounds.failover),
    failbackMs: millisecondsOf(bounds.failback),
    ...{ startedAt: now, phase: 'failing-over', phaseSince: now, samples: [] },
  }
}
