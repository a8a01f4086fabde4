import type { DrillFlip, DrillRun } from '../../store/drill.ts'
import { normal, warning } from '../feed/decision.ts'
import { verifyMs } from './checks.ts'
import { type DrillDecision, idle, underWayMs } from './decision.ts'
import { type DrillInput, reportOf, sessionOf } from './input.ts'
import { flipTo, observed, unseen } from './progress.ts'
import { breakOff, conclude } from './result.ts'
import { type Trouble, troubleOf } from './trouble.ts'

/** Beyond its bound a flip may take so long before it is given up, in ms: one that comes late is still worth a figure. */
const lateMs = 5000

/** The least time of restoring, in ms, in which the feed is told; and the longest that a drill waits for it. The feed goes on after that. */
const restoreAtLeastMs = 500
const restoreAtMostMs = 60_000

/** The drill that is under way goes on: to its next phase, back where it began, or to its end. */
export function advance(input: DrillInput, before: DrillRun): DrillDecision {
  const run = observed(before, reportOf(input), input.now)
  if (run.phase === 'restoring') return restore(input, run)
  const trouble = troubleOf(input, run)
  if (trouble) return giveUp(input, run, trouble)
  switch (run.phase) {
    case 'failing-over':
      return failOver(input, run)
    case 'verifying':
      return verify(input, run)
    case 'failing-back':
      return failBack(input, run)
    case 'confirming':
      return confirm(input, run)
  }
}

function failOver(input: DrillInput, run: DrillRun): DrillDecision {
  const report = reportOf(input)
  const failover = report && flipTo(report, run.to, run.epoch, run.phaseSince)
  if (!failover) return waitFor(input, run, run.failoverMs + lateMs, 'FailoverTimeout', `${run.to} does not publish`)
  const next = enter(input, { ...run, failover }, 'verifying')
  return { ...next, notes: [normal('DrillFailedOver', flipWords(run.from, run.to, failover))] }
}

/** For the hold time at least, and until everything was seen of it. */
function verify(input: DrillInput, run: DrillRun): DrillDecision {
  const { to, failover, holdMs, phaseSince } = run
  const report = reportOf(input)
  if (!report || !failover) return keep(input, run)
  const missing = unseen(input, report, to, failover)
  if (missing.length > 0) return waitFor(input, run, holdMs + verifyMs, 'NotVerified', `not seen: ${missing.join(', ')}`)
  const verified = { ...run, verifiedAt: run.verifiedAt ?? input.now }
  if (input.now - phaseSince < holdMs) return keep(input, verified)
  return { ...enter(input, verified, 'failing-back'), wakesFeed: true }
}

function failBack(input: DrillInput, run: DrillRun): DrillDecision {
  const report = reportOf(input)
  const failback = report && flipTo(report, run.from, run.failover?.epoch ?? run.epoch, run.phaseSince)
  if (!failback) return waitFor(input, run, run.failbackMs + lateMs, 'FailbackTimeout', `${run.from} does not publish again`)
  const next = enter(input, { ...run, failback }, 'confirming')
  return { ...next, notes: [normal('DrillFailedBack', flipWords(run.to, run.from, failback))] }
}

function confirm(input: DrillInput, run: DrillRun): DrillDecision {
  const report = reportOf(input)
  if (!report || !run.failback) return keep(input, run)
  const missing = unseen(input, report, run.from, run.failback)
  if (missing.length > 0) return waitFor(input, run, verifyMs, 'NotVerified', `not seen: ${missing.join(', ')}`)
  return conclude(input, run)
}

/** The wish is withdrawn at once; the verdict comes when the first account publishes again, or when that takes too long. */
function giveUp(input: DrillInput, run: DrillRun, trouble: Trouble): DrillDecision {
  const next = enter(input, { ...run, trouble }, 'restoring')
  const text = `${trouble.reason}: ${trouble.message}; ${run.from} shall publish again`
  return { ...next, wakesFeed: true, notes: [warning('DrillRestoring', text)] }
}

function restore(input: DrillInput, run: DrillRun): DrillDecision {
  const { trouble, from, phaseSince } = run
  const forMs = input.now - phaseSince
  const report = reportOf(input)
  const isBack = report?.active === from && sessionOf(report, from)?.gate === 'open'
  if (trouble && isBack && forMs >= restoreAtLeastMs) return breakOff(input, run, trouble, true)
  if (trouble && (forMs >= restoreAtMostMs || !input.feed)) return breakOff(input, run, trouble, false)
  return keep(input, run)
}

function waitFor(input: DrillInput, run: DrillRun, longestMs: number, reason: string, message: string): DrillDecision {
  const forMs = input.now - run.phaseSince
  if (forMs <= longestMs) return keep(input, run)
  return giveUp(input, run, { verdict: 'fail', reason, message: `${message} after ${Math.round(forMs / 1000)} s` })
}

function keep({ memory }: DrillInput, run: DrillRun): DrillDecision {
  return idle({ ...memory, run }, underWayMs)
}

function enter({ memory, now }: DrillInput, run: DrillRun, phase: DrillRun['phase']): DrillDecision {
  return idle({ ...memory, run: { ...run, phase, phaseSince: now } }, underWayMs)
}

const flipWords = (from: string, to: string, { epoch, latencyMs }: DrillFlip): string =>
  `${from} -> ${to} at epoch ${epoch}, after ${Math.round(latencyMs)} ms`
