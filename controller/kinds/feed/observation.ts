import { newRequest } from './aim.ts'
import { type Aim, type Decision, idle, type Note, normal, warning } from './decision.ts'
import { hear } from './feedevents.ts'
import type { FeedInput } from './input.ts'
import { loginsToRetry } from './loginretry.ts'
import { followOverride } from './override.ts'
import { rememberSecrets } from './secretview.ts'

/** What a look learned before anything is decided: epochs, hosts, requests, the watchdog's choice, and inputs that are other ones now. */
export function observe(input: FeedInput, aim: Aim): Pick<Decision, 'memory' | 'notes'> {
  const seen = { ...rememberSecrets(input.memory, input.secrets), epoch: epochSeen(input), hosts: hostsSeen(input) }
  const retried = takeRetry(idle(seen, aim), input)
  const followed = takeFailback(followOverride(retried, input), input)
  const { heard, notes } = hear(input)
  const { heard: _before, ...memory } = withoutOldFailure(followed, aim)
  return { memory: heard ? { ...memory, heard } : memory, notes: [...notes, ...releaseNote(input), ...followed.notes] }
}

/**
 * A feed's own watchdog moves the epoch too: what it reports is never handed out again. Nor is one that a process has claimed which has ended in
 * good order, such as that of a controller whose state is gone: with it the gate is free to take.
 */
export function epochSeen({ memory, reports }: FeedInput): number {
  return Math.max(memory.epoch, releasedEpoch(reports), ...reports.map(view => ('report' in view ? view.report.epoch : 0)))
}

function releasedEpoch(reports: FeedInput['reports']): number {
  const rival = rivalOf({ reports })
  return rival?.released ? rival.epoch + 1 : 0
}

function releaseNote({ memory, reports }: FeedInput): Note[] {
  const rival = rivalOf({ reports })
  if (!rival?.released || memory.epoch > rival.epoch) return []
  return [
    normal('EpochReleased', `${rival.holder} has ended in good order and left epoch ${rival.epoch}: this feed goes on above it`),
  ]
}

/** A host is looked at until it was seen empty and nothing is meant to run there. */
function hostsSeen({ memory, engines }: FeedInput): string[] {
  const isEmpty = (host: string) => {
    const view = engines.get(host)
    return view !== undefined && view.fault === undefined && view.workloads.length === 0
  }
  const serving = memory.serving?.host
  const others = memory.hosts.filter(host => host !== serving && (memory.rollout !== undefined || !isEmpty(host)))
  return serving === undefined ? others : [serving, ...others]
}

/**
 * A new token drops the failure, so that the revision is rolled out as if it were new. Where another process has claimed the feed's epoch on the
 * bus, it lets the next epochs be above that one's: nobody else may take the gate from it. Where logins were given up, it is about those.
 */
function takeRetry(decision: Decision, input: FeedInput): Decision {
  const token = newRequest(input, 'retry')
  if (token === undefined || loginsToRetry(input)) return decision
  const { failure, rollout, ...rest } = decision.memory
  const isStuck = rollout?.failure !== undefined && rollout.phase !== 'reverting' && !rollout.movesGate
  const failed = failure?.revision ?? (isStuck ? rollout.revision : undefined)
  const kept = rollout && !isStuck ? { rollout } : {}
  const rival = rivalOf(input)
  const epoch = Math.max(rest.epoch, rival ? rival.epoch + 1 : 0)
  const memory = { ...rest, ...kept, epoch, requests: { ...rest.requests, retry: token } }
  return { ...decision, memory, notes: [...decision.notes, retryNote(failed, rival)] }
}

function retryNote(failed: number | undefined, rival: ReturnType<typeof rivalOf>): Note {
  if (failed !== undefined) return normal('RetryRequested', `revision ${failed} is tried again on request`)
  if (rival) return normal('RetryRequested', `the gate is taken from ${rival.holder} on request`)
  return warning('RetryIgnored', 'a retry was asked for, and no revision has failed and no login was given up')
}

/** The process that has deposed one of ours, with the highest epoch. */
function rivalOf({ reports }: Pick<FeedInput, 'reports'>) {
  const rivals = reports.flatMap(view => ('report' in view ? (view.report.fence?.by ?? []) : []))
  return rivals.toSorted((a, b) => b.epoch - a.epoch)[0]
}

/** Asked for while no override is in force, it is remembered and does nothing; otherwise the override's end remembers it. */
function takeFailback(decision: Decision, input: FeedInput): Decision {
  const token = newRequest({ ...input, memory: decision.memory }, 'failback')
  if (token === undefined || decision.memory.override) return decision
  const memory = { ...decision.memory, requests: { ...decision.memory.requests, failback: token } }
  const note = warning('FailbackIgnored', 'failback was asked for, and no override is in force')
  return { ...decision, memory, notes: [...decision.notes, note] }
}

/** A failure speaks of the inputs that were declared then. Once others are declared it is history, which the revision keeps. */
function withoutOldFailure({ memory }: Decision, aim: Aim): Decision['memory'] {
  const { failure, ...rest } = memory
  const isDeclared = aim.why === 'declared' || aim.why === 'pinned'
  return failure && isDeclared && aim.revision.inputsDigest !== failure.inputsDigest ? rest : memory
}
