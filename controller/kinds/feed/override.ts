import { digestOf } from '../../../crds/contract/digest.ts'
import type { FeedReport } from '../../../crds/contract/feedstatus.ts'
import type { Override } from '../../store/memory.ts'
import { newRequest } from './aim.ts'
import { type Decision, type Note, normal, warning } from './decision.ts'
import { drillInForce } from './drilling.ts'
import { type FeedInput, findPublisher } from './input.ts'

/**
 * The feed's watchdog may flip to the other account. That is respected, not fought: it is remembered with the declaration of that
 * moment, and ends when the operator declares something else about `credentials` or asks for failback.
 */
export function followOverride(before: Decision, input: FeedInput): Decision {
  const report = findPublisher(input)
  if (!report) return before
  const decision = { ...before, notes: [...before.notes, ...flipNotes(input, report)] }
  const { override: known, ...memory } = decision.memory
  if (!report.override) return known && !isHandedOn(input, known, report) ? end(decision, known, input) : decision
  if (known?.epoch === report.override.epoch) return decision
  const override: Override = {
    ...report.override,
    credentialsDigest: credentialsDigest(input),
    ...madeInDrill(input, report.override.active),
  }
  return { ...decision, memory: { ...memory, override }, notes: [...decision.notes, begun(override)] }
}

/** The watchdog took the gate back from a drill: a choice that is over when the drill is, since it is what is declared. */
function madeInDrill({ drilling, declared }: FeedInput, active: Override['active']): Pick<Override, 'drill'> {
  const isDeclared = active === declared?.resource.spec.credentials.active
  return drilling && isDeclared ? { drill: drilling.id } : {}
}

/** A process that was started since the flip was told the watchdog's choice as its own: the choice still holds. */
function isHandedOn(input: FeedInput, known: Override, report: FeedReport): boolean {
  return report.active === known.active && overrideEnds(input) === undefined
}

/** Only now a request for failback has been carried out. */
function end(decision: Decision, known: Override, input: FeedInput): Decision {
  const { override: _ended, ...memory } = decision.memory
  const token = newRequest(input, 'failback')
  const requests = token === undefined ? memory.requests : { ...memory.requests, failback: token }
  return { ...decision, memory: { ...memory, requests }, notes: [...decision.notes, ended(known)] }
}

/** Whether the override is to end now: `undefined`, or why. */
export function overrideEnds(input: FeedInput): string | undefined {
  const { override } = input.memory
  if (!override) return undefined
  if (newRequest(input, 'failback') !== undefined) return 'failback was asked for'
  if (override.credentialsDigest !== credentialsDigest(input)) return 'credentials were declared anew'
  if (override.drill !== undefined && override.drill !== drillInForce(input)?.id)
    return 'the drill in which it was made has ended'
  return failsBackLater(input) && hasHealed(input, override)
    ? 'the declared account has been live again for long enough'
    : undefined
}

/** Whether an override is in force that will end by itself. */
export function failsBackLater({ memory, declared }: FeedInput): boolean {
  const credentials = declared?.resource.spec.credentials
  return credentials?.failback === 'auto' && memory.override !== undefined && memory.override.active !== credentials.active
}

/** `failback: auto`: how long the declared account must have been live before it is trusted again, in ms. */
const holdMs = 300_000

/** How old its newest tick may be while the market is open, in ms. */
const freshMs = 60_000

function hasHealed(input: FeedInput, { since }: Override): boolean {
  const report = findPublisher(input)
  const wanted = input.declared?.resource.spec.credentials.active
  const session = report?.sessions.find(({ account }) => account === wanted)
  if (!report || session?.state !== 'live') return false
  const isFresh = !report.market.open || input.now - (session.lastTickAt ?? 0) < freshMs
  return isFresh && input.now - Math.max(session.since, since) >= holdMs
}

/** How long a flip may wait for its first tick before it is told without one, in ms. */
const firstTickWaitMs = 5000

/** A flip is told once its first tick has come, or late without one. */
export function isTold(flip: NonNullable<FeedReport['lastFailover']>, now: number): boolean {
  return flip.phases.firstTickMs !== undefined || now - flip.at >= firstTickWaitMs
}

/** A flip that the status does not show yet, told once its first tick has come. */
function flipNotes({ now, status }: FeedInput, { lastFailover: flip }: FeedReport): Note[] {
  if (!flip || flip.epoch <= (status.lastFailover?.epoch ?? 0)) return []
  if (!isTold(flip, now)) return []
  const phases = `old gate closed ${ms(flip.phases.closedMs)}, new gate open ${ms(flip.phases.openedMs)}, first tick ${ms(flip.phases.firstTickMs)}`
  return [normal('FailedOver', `${flip.from} -> ${flip.to} at epoch ${flip.epoch}: ${flip.reason} (${phases})`)]
}

const ms = (value: number | undefined) => (value === undefined ? 'not yet' : `after ${Math.round(value)} ms`)

function credentialsDigest(input: FeedInput): string {
  return digestOf(input.declared?.resource.spec.credentials)
}

const begun = ({ active, reason }: Override) =>
  warning('FailedOverByWatchdog', `the feed's watchdog flipped to ${active}: ${reason}`)
const ended = ({ active }: Override) => normal('OverrideEnded', `the watchdog's choice of ${active} has ended`)
