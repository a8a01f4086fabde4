import { isGivenUp } from '../../crds/contract/feedstatus.ts'
import type { Condition } from '../../crds/contract/resource.ts'
import type { FeedSpec, FeedStatus } from '../../crds/feed.ts'
import type { ResourceView } from '../api/contract.ts'
import { paint, type Tone } from './terminal.ts'

/** A feed as the controller shows it: declared with defaults, and its status as far as there is one. */
export type FeedView = ResourceView & { spec: FeedSpec; status: FeedStatus }

export function asFeed(view: ResourceView): FeedView {
  return view as FeedView
}

/** States of a resource for people, worst first. */
export const states = ['Stalled', 'NotReady', 'Degraded', 'Progressing', 'Unknown', 'Suspended', 'Stopped', 'Ready'] as const
export type State = (typeof states)[number]

const marks: Record<State, { glyph: string; tone: Tone }> = {
  Stalled: { glyph: '✗', tone: 'bad' },
  NotReady: { glyph: '✗', tone: 'bad' },
  Degraded: { glyph: '!', tone: 'warn' },
  Progressing: { glyph: '↻', tone: 'busy' },
  Unknown: { glyph: '?', tone: 'warn' },
  Suspended: { glyph: '‖', tone: 'quiet' },
  Stopped: { glyph: '■', tone: 'quiet' },
  Ready: { glyph: '✓', tone: 'good' },
}

/** Glyph and word, in colour where there is colour. */
export function markOf(state: State, colour: boolean): string {
  return paint(`${marks[state].glyph} ${state}`, marks[state].tone, colour)
}

/** Silence in an open session that is worth a word: the default of the watchdog's threshold. */
const silenceMs = 60_000

/** How a resource is, what is wrong and what to do about it; both empty where all is well. */
export type Health = { state: State; wrong: string; todo: string }

export function conditionOf(view: ResourceView, type: string): Condition | undefined {
  return view.status.conditions?.find(condition => condition.type === type)
}

export function isTrue(view: ResourceView, type: string): boolean {
  return conditionOf(view, type)?.status === 'True'
}

/** Whether a condition speaks of this generation. */
export function isAbout(condition: Condition | undefined, generation: number): condition is Condition {
  return condition?.observedGeneration === generation
}

/** Whether Ready or Stalled, as the end of the matter, speaks of what is declared now. */
export function isObserved(view: ResourceView): boolean {
  return view.status.observedGeneration === view.metadata.generation
}

/** `now` in ms since 1970: only silence depends on it. */
export function healthOf(feed: FeedView, now: number): Health {
  const name = feed.metadata.name
  const stalled = conditionOf(feed, 'Stalled')
  if (stalled?.status === 'True') return { state: 'Stalled', wrong: sentence(stalled), todo: stalledTodo(feed, name) }
  if (feed.spec.suspend) return { state: 'Suspended', wrong: 'suspended: changes wait', todo: `feedctl resume ${name}` }
  const sourceValid = conditionOf(feed, 'SourceValid')
  if (sourceValid?.status === 'False' && sourceValid.reason === 'DeletionHeld')
    return { state: 'Degraded', wrong: sentence(sourceValid), todo: 'bring the declaration back, or feedctl approve' }
  if (sourceValid?.status === 'False')
    return { state: 'Degraded', wrong: sentence(sourceValid), todo: 'mend the file; the last good declaration runs on' }
  const ready = conditionOf(feed, 'Ready')
  if (ready === undefined)
    return { state: 'Unknown', wrong: 'the controller has not looked at it yet', todo: 'see its log, or wait' }
  if (isTrue(feed, 'Reconciling') || !isAbout(ready, feed.metadata.generation))
    return { state: 'Progressing', wrong: progressWords(feed, ready), todo: `feedctl rollout ${name}` }
  if (isTrue(feed, 'Stopped')) return { state: 'Stopped', wrong: 'stopped by declaration', todo: `feedctl start ${name}` }
  if (ready.status !== 'True')
    return {
      state: ready.status === 'Unknown' ? 'Unknown' : 'NotReady',
      wrong: sentence(ready),
      todo: unreadyTodo(feed, name),
    }
  return degradedBy(feed, now) ?? { state: 'Ready', wrong: '', todo: '' }
}

/** An order: worst first, then by name. */
export function worstFirst(now: number): (a: FeedView, b: FeedView) => number {
  const rank = (feed: FeedView) => states.indexOf(healthOf(feed, now).state)
  const key = ({ metadata }: FeedView) => `${metadata.namespace}/${metadata.name}`
  return (a, b) => rank(a) - rank(b) || key(a).localeCompare(key(b))
}

/** `Reason: message`, without saying it twice. */
export function sentence({ reason, message }: Pick<Condition, 'reason' | 'message'>): string {
  return message === '' ? reason : `${reason}: ${message}`
}

function unreadyTodo({ status }: FeedView, name: string): string {
  const isRefused = status.sessions?.some(session => session.account === status.active && isGivenUp(session))
  return isRefused
    ? `feedctl retry ${name} when the account may log in again; feedctl failover ${name} meanwhile`
    : `feedctl describe feed ${name}`
}

function stalledTodo(feed: FeedView, name: string): string {
  if (conditionOf(feed, 'Stalled')?.reason === 'Deposed')
    return `end the other process, or \`feedctl retry ${name}\` to take the gate from it`
  return isTrue(feed, 'RolledBack')
    ? `mend the declaration, or \`feedctl retry ${name}\` to try revision ${feed.status.failedRevision ?? ''} again`.replace(
        'revision  ',
        'it ',
      )
    : `mend the declaration; \`feedctl describe feed ${name}\` has the whole story`
}

function progressWords(feed: FeedView, ready: Condition): string {
  const condition = conditionOf(feed, 'Reconciling') ?? ready
  const { generation } = feed.metadata
  return isAbout(condition, generation) ? sentence(condition) : `generation ${generation} is not taken up yet`
}

function degradedBy(feed: FeedView, now: number): Health | undefined {
  const { status, spec, metadata } = feed
  const degraded = (wrong: string, todo: string): Health => ({ state: 'Degraded', wrong, todo })
  if (status.active !== undefined && status.active !== spec.credentials.active) {
    return degraded(
      `the watchdog moved it to ${status.active} (declared: ${spec.credentials.active})`,
      `feedctl failback ${metadata.name} when ${spec.credentials.active} is well`,
    )
  }
  if (isSilent(feed, now)) {
    return degraded('no ticks although the market is open', `feedctl failover ${metadata.name}, or wait for the watchdog`)
  }
  if (status.subscriptions !== undefined && status.subscriptions.coverage < spec.rollout.minCoverage) {
    const { acknowledged, desired, rejected } = status.subscriptions
    return degraded(
      `${desired - acknowledged} of ${desired} instruments are not acknowledged, ${rejected} rejected`,
      `feedctl describe feed ${metadata.name}`,
    )
  }
  if (hasWarmStandby(feed) && status.standby?.state !== 'live') {
    const standby = status.standby
    return degraded(
      `no standby: ${standby === undefined ? 'the other account reports nothing' : `${standby.account} is ${standby.state}`}`,
      standby && status.sessions?.some(session => session.account === standby.account && isGivenUp(session))
        ? `feedctl retry ${metadata.name} when the account may log in again`
        : `check the other account: feedctl events ${metadata.name}`,
    )
  }
  return undefined
}

// A rate of nothing alone means little: two quiet contracts may have no tick for seconds, and a flip begins to count anew.
function isSilent({ status: { market, ticksPerSecond, lastTickAt } }: FeedView, now: number): boolean {
  return market?.open === true && ticksPerSecond === 0 && lastTickAt !== undefined && now - Date.parse(lastTickAt) > silenceMs
}

export function hasWarmStandby({ spec }: FeedView): boolean {
  return spec.credentials.backup !== undefined && spec.credentials.standby === 'warm'
}
