import { setTimeout as sleep } from 'node:timers/promises'
import { renderResubscription } from '../../crds/contract/resubscription.ts'
import { requestAnnotations } from '../../crds/feed.ts'
import type { Remedy } from './assessment.ts'
import { changeFeed, type Subject } from './change.ts'
import type { Context } from './context.ts'
import { ExitError, refused } from './exit.ts'
import type { Attempt, FeedHealth } from './healthreport.ts'

/** Tries before it is an operator's turn, in an hour: the declaration remembers them, so that cron does not go on for ever. */
const maxAttempts = 3
const rememberedMs = 3_600_000

/** How often feeds that were asked for something are looked at, in ms. */
const lookMs = 1000

export type Enforcement = {
  /** Time to get well after the first try, in ms; it doubles with each. */
  backoffMs: number
  look: (key: string) => Promise<FeedHealth>
}

/**
 * Has asked again, through the declared YAML, for what is refused or silent, and gives what is on its way by itself time. Ends when all are
 * well, or nothing more may be tried; what was tried stays in the feeds' `attempts`.
 */
export async function enforce(context: Context, feeds: Map<string, FeedHealth>, { backoffMs, look }: Enforcement): Promise<void> {
  for (let round = 0; round < maxAttempts; round++) {
    const tried: string[] = []
    // One after the other: they may stand in one file.
    for (const [key, feed] of feeds) if (feed.remedy && (await isTried(context, feed, feed.remedy))) tried.push(key)
    if (tried.length === 0) return
    await untilWell(context, feeds, tried, { backoffMs: backoffMs * 2 ** round, look })
  }
}

/** Whether something is under way that is worth waiting for. */
async function isTried(context: Context, { feed, attempts }: FeedHealth, remedy: Remedy): Promise<boolean> {
  if (attempts.some(attempt => 'refused' in attempt)) return false
  if (remedy.states.length === 0) return true
  const attempt = await askAgain(context, feed, remedy)
  attempts.push(attempt)
  return 'token' in attempt
}

async function askAgain(context: Context, key: string, remedy: Remedy): Promise<Attempt> {
  const at = context.terminal.now()
  let text = ''
  try {
    await changeFeed(aside(context), key, { timeout: '1s' }, subject => {
      text = renderResubscription(tokenAfter(annotationOf(subject), at), remedy)
      return { change: { path: ['metadata', 'annotations', requestAnnotations.resubscribe], value: text } }
    })
    return { at, token: text }
  } catch (error) {
    if (error instanceof ExitError && !context.signal.aborted) return { at, refused: error.message }
    throw error
  }
}

/** The edit is no part of the report. */
function aside(context: Context): Context {
  const { terminal } = context
  return { ...context, terminal: { ...terminal, out: terminal.err, outColour: terminal.errColour } }
}

function annotationOf({ declared }: Subject): string {
  const { annotations = {} } = (declared.metadata ?? {}) as { annotations?: Record<string, unknown> }
  return String(annotations[requestAnnotations.resubscribe] ?? '')
}

/** `health-N-TIME`: the N-th try of those that followed each other within an hour. Refuses a fourth. */
export function tokenAfter(before: string, now: number): string {
  const [, count = '0', time = ''] = /^health-(\d+)-([^?]+)/.exec(before) ?? []
  const made = now - Date.parse(time) < rememberedMs ? Number(count) : 0
  if (made >= maxAttempts)
    throw refused(`${made} tries have not helped, the last at ${time}; the next may be made an hour after that`)
  return `health-${made + 1}-${new Date(now).toISOString()}`
}

async function untilWell(context: Context, feeds: Map<string, FeedHealth>, keys: string[], { backoffMs, look }: Enforcement) {
  for (const end = performance.now() + backoffMs; performance.now() < end; ) {
    await sleep(Math.min(lookMs, backoffMs), undefined, { signal: context.signal })
    const seen = await Promise.all(keys.map(look))
    for (const feed of seen) feeds.set(feed.feed, { ...feed, attempts: feeds.get(feed.feed)?.attempts ?? [] })
    if (seen.every(({ remedy }) => remedy === undefined)) return
  }
}
