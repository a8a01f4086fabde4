import type { Fault } from '../../../crds/contract/fault.ts'
import { isGivenUp, type SessionStatus } from '../../../crds/contract/feedstatus.ts'
import type { Rollout } from '../../store/memory.ts'
import type { NewCondition } from '../condition.ts'
import type { Decision } from './decision.ts'
import { drillInForce } from './drilling.ts'
import { type FeedInput, findReport, isDeclaredStopped, type SecretView, type Violation } from './input.ts'
import { silenceOf } from './proof.ts'
import { isStopped } from './stop.ts'

/**
 * The conditions of a Feed. Always there: `Ready`, `CredentialsReady`, `SourceValid`, `FailedOver`. Only while true, as kstatus has it:
 * `Reconciling` (on its way to what is declared), `Stalled` (it will not get there unless an input changes), `RolledBack`, `Stopped`.
 */
export function feedConditions(input: FeedInput, decision: Decision, fault: Fault | undefined): NewCondition[] {
  const state = stateOf(input, decision, fault)
  const conditions = [ready(state), credentialsReady(input, decision), sourceValid(input), failedOver(input)]
  if (state.type === 'progressing')
    conditions.push({ type: 'Reconciling', status: 'True', reason: state.reason, message: state.message })
  if (state.type === 'stalled') conditions.push({ type: 'Stalled', status: 'True', reason: state.reason, message: state.message })
  if (state.type === 'stopped') conditions.push({ type: 'Stopped', status: 'True', reason: 'Declared', message: state.message })
  const { failure, rollout } = decision.memory
  if (failure && (rollout?.phase === 'reverting' || decision.aim?.why === 'rolled-back' || decision.aim?.why === 'held'))
    conditions.push({
      type: 'RolledBack',
      status: 'True',
      reason: failure.reason,
      message: `revision ${failure.revision} failed: ${failure.message}`,
    })
  return conditions
}

type State = {
  type: 'ready' | 'progressing' | 'degraded' | 'stalled' | 'unknown' | 'suspended' | 'stopped'
  reason: string
  message: string
}

/** Where the feed stands, decided once; the conditions only spell it out. */
function stateOf(input: FeedInput, decision: Decision, fault: Fault | undefined): State {
  if (!input.declared) return { type: 'progressing', reason: 'Removing', message: 'the feed is no longer declared' }
  if (input.declared.resource.spec.suspend)
    return { type: 'suspended', reason: 'Suspended', message: 'reconciling is suspended; the feed goes on as it is' }
  if (fault) return faultState(fault)
  if (isDeclaredStopped(input)) return stopState(input, decision)
  if (decision.aim?.why === 'held') return heldState(decision.aim.violation)
  return blindState(input, decision) ?? rolloutState(input, decision) ?? servingState(input, decision)
}

function stopState(input: FeedInput, decision: Decision): State {
  if (isStopped(decision, input))
    return { type: 'stopped', reason: 'Stopped', message: 'spec.state is Stopped, and nothing of the feed runs' }
  const [first] = decision.steps
  const message = first?.reason ?? 'spec.state is Stopped, and what runs is on its way to its end'
  return blindState(input, decision) ?? { type: 'progressing', reason: 'Stopping', message }
}

/** An engine that did not answer kept the feed from being looked at. */
function blindState({ engines }: FeedInput, { proof, memory }: Decision): State | undefined {
  const unreachable = [...engines.values()].find(view => view.fault && view.declared)?.fault
  if (!unreachable || proof || memory.rollout?.failure) return undefined
  return { type: 'unknown', reason: unreachable.reason, message: unreachable.message }
}

function rolloutState(input: FeedInput, { aim, memory, proof, steps }: Decision): State | undefined {
  const { rollout, failure } = memory
  if (rollout?.phase === 'reverting')
    return {
      type: 'progressing',
      reason: 'RollingBack',
      message: `revision ${rollout.revision} failed (${rollout.failure?.reason}): the last good one is brought back`,
    }
  if (aim?.why === 'rolled-back' && failure)
    return {
      type: 'stalled',
      reason: 'RolledBack',
      message: `revision ${failure.revision} failed (${failure.reason}: ${failure.message}); revision ${aim.revision?.number} ${serves(proof)}. Edit the spec, or ask for a retry`,
    }
  if (rollout?.failure)
    return {
      type: 'stalled',
      reason: rollout.failure.reason,
      message: `revision ${rollout.revision}: ${rollout.failure.message}`,
    }
  if (rollout?.waits)
    return { type: 'stalled', reason: rollout.waits.reason, message: `revision ${rollout.revision}: ${rollout.waits.message}` }
  if (rollout && proof && isEndedByEditOnly.has(proof.reason))
    return { type: 'stalled', reason: proof.reason, message: `revision ${rollout.revision}, ${rollout.phase}: ${proof.message}` }
  if (rollout)
    return {
      type: 'progressing',
      reason: pullTrouble(input, rollout)?.reason ?? phaseReason[rollout.phase],
      message: `revision ${rollout.revision}, ${rollout.phase}: ${proof?.message ?? imageText(input, rollout.revision)}`,
    }
  if (steps[0]) return { type: 'progressing', reason: 'Applying', message: steps[0].reason }
  return undefined
}

/** Bringing the last good revision back is no proof that it is still good. */
function serves(proof: Decision['proof']): string {
  return proof && proof.state !== 'proven' ? `is back and not well (${proof.reason}: ${proof.message})` : 'serves'
}

const phaseReason = {
  preparing: 'PreparingImage',
  replacing: 'Replacing',
  proving: 'Proving',
  starting: 'StartingMuted',
  rehearsing: 'ProvingMuted',
  promoting: 'Promoting',
  settling: 'Settling',
  reverting: 'RollingBack',
} as const

function imageText(input: FeedInput, revision: number): string {
  const image = input.images.get(revision)
  if (!image) return 'in progress'
  if (image.state === 'present') return 'the image is there'
  return image.fault ? `${image.fault.message}; it is tried again` : 'the image is on its way'
}

/** Why the last try to pull the image of a rollout failed, for a reason that may pass. */
function pullTrouble({ images }: FeedInput, { phase, revision }: Rollout): Fault | undefined {
  const image = phase === 'preparing' ? images.get(revision) : undefined
  return image && image.state !== 'present' ? image.fault : undefined
}

/** Something that the controller has asked for is not there yet; anything else is the feed's own trouble. */
const onItsWay = new Set(['FailoverPending', 'PullingImage', 'EpochReleased'])

/** What nothing that the controller or the feed may do of itself ends. */
const isEndedByEditOnly = new Set(['NameTaken', 'Deposed'])

function servingState(input: FeedInput, { proof, memory }: Decision): State {
  if (!proof) return { type: 'unknown', reason: 'NotObserved', message: 'what is to serve was not looked at yet' }
  const { reason, message } = proof
  const report = memory.serving && findReport(input, memory.serving.container)
  const silence = report && silenceOf(report)
  if (proof.state === 'proven') return silence ? { type: 'degraded', ...silence } : { type: 'ready', reason, message }
  if (isEndedByEditOnly.has(reason)) return { type: 'stalled', reason, message }
  return { type: onItsWay.has(reason) ? 'progressing' : 'degraded', reason, message }
}

function faultState({ class: faultClass, reason, message }: Fault): State {
  return { type: faultClass === 'transient' ? 'progressing' : 'stalled', reason, message }
}

/** What waits for something that is named is stalled too: no try of ours ends it. */
function heldState({ class: faultClass, reason, message }: Violation): State {
  const rest = reason === 'PreflightNoGo' ? '' : '. What runs is left as it is'
  return { type: faultClass === 'transient' ? 'progressing' : 'stalled', reason, message: `${message}${rest}` }
}

function ready({ type, reason, message }: State): NewCondition {
  const status =
    type === 'ready' ? 'True' : type === 'progressing' || type === 'unknown' || type === 'suspended' ? 'Unknown' : 'False'
  return { type: 'Ready', status, reason, message }
}

/** Failures of a revision that only other secrets end. */
const loginFailures = new Set(['LoginRefused', 'WeakPassword', 'PasswordChangeRequired'])

/** Read, and not refused by a front for good: of the standby too, which `Ready` does not speak of. */
function credentialsReady({ secrets, reports }: FeedInput, { aim, memory: { failure } }: Decision): NewCondition {
  const troubles = Object.values(secrets).flatMap(view => troubleOf(view) ?? [])
  // One that holds the feed before one that it outlives.
  const trouble = troubles.find(({ isHeld }) => isHeld) ?? troubles[0]
  if (trouble) return { type: 'CredentialsReady', status: 'False', reason: trouble.reason, message: trouble.message }
  const refused = reports.flatMap(view => ('report' in view ? view.report.sessions : [])).find(isLoginRefused)
  if (refused) {
    const message = `${refused.account}: ${refused.message ?? refused.state}`
    return { type: 'CredentialsReady', status: 'False', reason: refused.reason ?? 'LoginRefused', message }
  }
  if (failure && aim?.why === 'rolled-back' && loginFailures.has(failure.reason)) {
    const message = `revision ${failure.revision}: ${failure.message}; what runs goes on with the secrets before`
    return { type: 'CredentialsReady', status: 'False', reason: failure.reason, message }
  }
  return {
    type: 'CredentialsReady',
    status: 'True',
    reason: 'SecretsRead',
    message: `read for ${Object.keys(secrets).join(', ') || 'nobody'}`,
  }
}

function troubleOf(view: SecretView | undefined): { reason: string; message: string; isHeld: boolean } | undefined {
  if (!view) return undefined
  if ('fault' in view) return { reason: view.fault.reason, message: view.fault.message, isHeld: true }
  if (!view.trouble) return undefined
  const { reason, message } = view.trouble
  const use = view.isAssumed ? 'what runs goes on with what it was given' : 'what was read last stays in use'
  return { reason, message: `${message}; ${use}`, isHeld: false }
}

const isLoginRefused = (session: SessionStatus): boolean => isGivenUp(session) && session.errorId !== undefined

function sourceValid({ sourceProblems: [problem] }: FeedInput): NewCondition {
  if (!problem)
    return { type: 'SourceValid', status: 'True', reason: 'Read', message: 'the declaring files are in force as they are' }
  const place = `${problem.file}:${problem.line}:${problem.column}`
  return {
    type: 'SourceValid',
    status: 'False',
    reason: problem.reason,
    message: `${place}: ${problem.message}: ${problem.hint}. The last good version stays in force`,
  }
}

function failedOver(input: FeedInput): NewCondition {
  const { override } = input.memory
  const declared = input.declared?.resource.spec.credentials.active
  const drill = drillInForce(input)
  const active = override?.active ?? drill?.active ?? declared
  if (active !== 'backup')
    return { type: 'FailedOver', status: 'False', reason: 'Primary', message: 'the primary account is active' }
  if (override)
    return {
      type: 'FailedOver',
      status: 'True',
      reason: 'Watchdog',
      message: `the feed's watchdog chose ${override.active}: ${override.reason}`,
    }
  if (drill)
    return {
      type: 'FailedOver',
      status: 'True',
      reason: 'Drill',
      message: `the drill ${drill.name} has the backup account publish`,
    }
  return { type: 'FailedOver', status: 'True', reason: 'Declared', message: 'credentials.active is backup' }
}
