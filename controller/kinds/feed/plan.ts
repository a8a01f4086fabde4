import type { Rollout } from '../../store/memory.ts'
import { aimOf } from './aim.ts'
import { type Aim, type Decision, idle } from './decision.ts'
import { type FeedInput, findRevision, findWorkload, isDeclaredStopped, isRunning } from './input.ts'
import { withLoginRetry } from './loginretry.ts'
import { epochSeen, observe } from './observation.ts'
import { withPreflight } from './preflight.ts'
import { planEnd, withPolicy, withReleases } from './removal.ts'
import { lookAfterServing, planRepair } from './repair.ts'
import { withResubscription } from './resubscription.ts'
import { retire } from './retention.ts'
import { beginRollout, planRollout } from './rollout.ts'
import { planStop, withStart } from './stop.ts'

/** How often a host that a rollout waits for is asked again, in ms. */
const blindIntervalMs = 5000

/**
 * Decides what to do about a feed, from what is declared and observed now. Pure: no I/O, no clock (`input.now`), no randomness.
 *
 * - Not declared any more: remove what runs, or leave it to nobody.
 * - Suspended: leave everything as it is.
 * - Declared Stopped: nothing of it runs, and what served is kept.
 * - The revision that is aimed at is not the one that serves: roll it out, phase by phase, or bring the last good one back.
 * - It serves: repair what drifted, and hand the feed what it does not have yet. Mostly that is nothing.
 */
export function plan(gathered: FeedInput): Decision {
  if (!gathered.declared) return planEnd(gathered)
  const input = withPolicy(gathered)
  // A gate on its way is taken there first: suspended is the reconciling, not the feed.
  if (gathered.declared.resource.spec.suspend && !isGateMoving(input)) return rest(input)
  const aim = aimOf(input)
  const { memory, notes } = observe(input, aim)
  if (isDeclaredStopped(input)) return planStop({ ...input, memory }, notes)
  const seen = { ...input, memory }
  const decision = withPreflight(withStart(converge(seen, aim), seen), seen)
  const told = { ...decision, notes: [...notes, ...decision.notes] }
  return retire(withReleases(withResubscription(withLoginRetry(told, input), input), input), input)
}

function converge(input: FeedInput, aim: Aim): Decision {
  const { rollout, serving } = input.memory
  if (isBlind(input, aim)) return waitForSight(input, aim)
  const goesBack = aim.revision === undefined || aim.revision.number === serving?.revision
  if (rollout?.movesGate && rollout.revision !== aim.revision?.number) return withdraw(input, aim, rollout)
  if (rollout?.phase === 'reverting' && goesBack) return planRollout(input, aim, rollout)
  if (aim.revision === undefined) return idle(input.memory, aim)
  if (rollout?.revision === aim.revision.number) return planRollout(input, aim, rollout)
  if (serving?.revision !== aim.revision.number) return beginRollout(input, aim, aim.revision)
  return planRepair(input, aim, aim.revision, serving)
}

/**
 * Something else is wanted while the gate is with the new process, or on its way there: it goes back to the old one first, which runs
 * muted. Where that is gone, the new one is the one that serves.
 */
function withdraw(input: FeedInput, aim: Aim, rollout: Rollout): Decision {
  const { memory } = input
  const successor = findRevision(input, rollout.revision)
  const isThere = isRunning(memory.serving && findWorkload(input, memory.serving.container))
  const isUp = isRunning(findWorkload(input, rollout.container))
  if (isThere || !isUp || !successor) {
    const reverting: Rollout = rollout.phase === 'reverting' ? rollout : { ...rollout, phase: 'reverting', phaseSince: input.now }
    return planRollout({ ...input, memory: { ...memory, rollout: reverting } }, aim, reverting)
  }
  const { rollout: _superseded, ...rest } = memory
  const serving = { host: successor.snapshot.hostRef, container: rollout.container, revision: rollout.revision }
  return converge({ ...input, memory: { ...rest, serving } }, aim)
}

/** What a drill had moved goes back first, too. */
function rest(input: FeedInput): Decision {
  if (!input.drilling) return idle(input.memory)
  const { memory, steps } = lookAfterServing({ ...input, memory: { ...input.memory, epoch: epochSeen(input) } })
  return { ...idle(memory), steps: steps.filter(({ action }) => action === 'Push') }
}

function isGateMoving({ memory: { rollout } }: FeedInput): boolean {
  return rollout?.movesGate === true && (rollout.phase === 'promoting' || rollout.phase === 'reverting')
}

/**
 * A host that does not answer may hide a publisher, so nothing is started anywhere; one that only holds left-overs hinders nobody
 * while the feed runs, nor a rollout that has begun to replace it: its way back must stay open. A host that is no longer declared is the operator's word that it is gone: what is there goes when it comes back.
 */
function isBlind(input: FeedInput, { revision }: Aim): boolean {
  const { serving, rollout } = input.memory
  const aimed = revision?.snapshot.hostRef
  const needed = [aimed, findRevision(input, rollout?.revision)?.snapshot.hostRef, serving?.host]
  const runs = serving !== undefined && findWorkload(input, serving.container)?.state === 'running'
  const isReplaced = serving !== undefined && rollout !== undefined && rollout.phase !== 'preparing'
  const isSeen = runs || isReplaced
  return [...input.engines].some(
    ([host, { fault, declared }]) => fault !== undefined && (declared ? !isSeen || needed.includes(host) : host === aimed),
  )
}

/** What runs on a host that does answer still follows `credentials.active`: a failover waits for nobody. */
function waitForSight(input: FeedInput, aim: Aim): Decision {
  if (input.memory.rollout?.movesGate) return { ...idle(input.memory, aim), wakeMs: blindIntervalMs }
  const host = input.memory.serving?.host
  const sees = host !== undefined && input.engines.get(host)?.fault === undefined
  if (!sees) return idle(input.memory, aim)
  const { memory, steps } = lookAfterServing(input)
  return { ...idle(memory, aim), steps: steps.filter(({ action }) => action === 'Push'), wakeMs: blindIntervalMs }
}
