import type { Account } from '../../../crds/contract/desired.ts'
import type { FeedReport } from '../../../crds/contract/feedstatus.ts'
import type { Behind, DrillFlip, DrillRun, DrillSample } from '../../store/drill.ts'
import { behindOf, countsConsumers, coverageOf, type DrillInput, minCoverageOf, sessionOf } from './input.ts'

/** Samples that the evidence holds, and the time between two of them in ms. */
const maxSamples = 240
const sampleEveryMs = 1000

/** The flip that the drill ordered, once it is complete: its first tick has come, or its gate is open where the market is closed. */
export function flipTo(report: FeedReport, account: Account, afterEpoch: number, orderedAt: number): DrillFlip | undefined {
  const { lastFailover: last, market, active } = report
  if (!last || last.to !== account || last.epoch <= afterEpoch || active !== account) return undefined
  const { closedMs, openedMs, firstTickMs } = last.phases
  const latencyMs = firstTickMs ?? (market.open ? undefined : openedMs)
  if (latencyMs === undefined) return undefined
  return {
    epoch: last.epoch,
    latencyMs: tenths(latencyMs),
    ...(closedMs !== undefined && { closedMs: tenths(closedMs) }),
    ...(openedMs !== undefined && { openedMs: tenths(openedMs) }),
    ...(firstTickMs !== undefined && { firstTickMs: tenths(firstTickMs) }),
    ...{ orderedAt, at: last.at },
  }
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10

/** What is still to be seen of an account before its flip counts as verified, in words; empty where all was seen. */
export function unseen(input: DrillInput, report: FeedReport, account: Account, flip: DrillFlip): string[] {
  const session = sessionOf(report, account)
  const { consumers } = report
  const facts: [boolean, string][] = [
    [report.active === account && session?.gate === 'open', `the open gate of ${account}`],
    [coverageOf(session) >= minCoverageOf(input), `its subscriptions (${coverageOf(session).toFixed(3)} acknowledged)`],
    [!report.market.open || (session?.lastTickAt ?? 0) > flip.at, 'a fresh tick since the flip'],
    [report.publisher.type === 'none' || report.publisher.connected, 'its connection to the bus'],
    [!countsConsumers(report) || isReadSince(consumers, flip.at), 'a reading of the consumers since the flip'],
  ]
  return facts.filter(([holds]) => !holds).map(([, words]) => words)
}

function isReadSince(consumers: FeedReport['consumers'], at: number): boolean {
  return consumers?.at !== undefined && consumers.at > at && consumers.message === undefined
}

/** The run with what this look has shown. */
export function observed(run: DrillRun, report: FeedReport | undefined, now: number): DrillRun {
  const { silentSince = now, ...answering } = run
  if (!report) return { ...run, silentSince }
  const behind = behindOf(report)
  const last = run.samples.at(-1)
  const isDue = last === undefined || now - last.at >= sampleEveryMs || last.phase !== run.phase
  const samples = isDue ? [...run.samples, sampleOf(run, report, now)].slice(-maxSamples) : run.samples
  return { ...answering, samples, ...(behind && { worst: worseOf(run.worst ?? {}, behind) }) }
}

function sampleOf({ phase }: DrillRun, report: FeedReport, at: number): DrillSample {
  const { active, epoch, gaps } = report
  const session = sessionOf(report, active)
  const behind = behindOf(report)
  return {
    ...{ at, phase, active, epoch, gaps, coverage: coverageOf(session) },
    ...(session?.lastTickAt !== undefined && { lastTickAt: session.lastTickAt }),
    ...(behind && { behind }),
  }
}

function worseOf(before: Behind, now: Behind): Behind {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])]
  return Object.fromEntries(names.map(name => [name, Math.max(before[name] ?? 0, now[name] ?? 0)]))
}
