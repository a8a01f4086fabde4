import { setTimeout as sleep } from 'node:timers/promises'
import { keyOf } from '../../../crds/contract/resource.ts'
import { changeFeed, declaredSpec } from '../change.ts'
import type { Context } from '../context.ts'
import { asFeed, conditionOf, type FeedView, isObserved, isTrue, sentence } from '../health.ts'
import { StageFailure } from './stage.ts'

/** How often feeds that are waited for are looked at, in ms. */
const lookMs = 500

/** Declares feeds Running, and reconciled; says how many that changed. One after the other: they may stand in one file. */
export async function resumeFeeds(context: Context, keys: string[]): Promise<string> {
  let changed = 0
  for (const key of keys) {
    changed += await declare(context, key, 'state', 'Running', spec => spec.state !== 'Stopped')
    changed += await declare(context, key, 'suspend', false, spec => spec.suspend !== true)
  }
  return `declared Running${changed === 0 ? ' already' : ''}: ${feedsOf(keys.length)}`
}

/** Declares feeds Stopped, and waits until nothing of them runs. */
export async function stopFeeds(context: Context, keys: string[]): Promise<string> {
  for (const key of keys) await declare(context, key, 'state', 'Stopped', spec => spec.state === 'Stopped')
  const isStopped = (feed: FeedView) => isObserved(feed) && isTrue(feed, 'Stopped')
  await untilAll(context, keys, isStopped, 'is not stopped')
  return `unsubscribed and ended: ${feedsOf(keys.length)}`
}

/** Waits until each feed is Ready at what is declared now. Says what is less than well: a standby may come later. */
export async function untilReady(context: Context, keys: string[]): Promise<string> {
  const isReady = (feed: FeedView) => isObserved(feed) && isTrue(feed, 'Ready') && !isTrue(feed, 'Reconciling')
  const feeds = await untilAll(context, keys, isReady, 'is not Ready')
  const acknowledged = feeds.reduce((sum, { status }) => sum + (status.subscriptions?.acknowledged ?? 0), 0)
  return `Ready: ${feedsOf(feeds.length)}, ${acknowledged} subscriptions acknowledged`
}

export const feedsOf = (count: number): string => (count === 1 ? '1 feed' : `${count} feeds`)

type Edit = (spec: Record<string, unknown>) => boolean

/** One edit, unless what is declared says so already. The controller reads the file in its own time. */
async function declare(context: Context, key: string, member: string, value: string | boolean, isSo: Edit): Promise<number> {
  let edits = 0
  const { terminal } = context
  const aside = { ...context, terminal: { ...terminal, out: terminal.err, err: () => undefined, outColour: terminal.errColour } }
  await changeFeed(aside, key, { timeout: '1s' }, subject => {
    if (isSo(declaredSpec(subject))) return { already: 'it is declared so' }
    edits++
    return { change: { path: ['spec', member], value } }
  })
  return edits
}

async function untilAll(context: Context, keys: string[], holds: (feed: FeedView) => boolean, what: string): Promise<FeedView[]> {
  const wanted = new Set(keys)
  for (let seen: FeedView[] = []; ; ) {
    try {
      const feeds = (await context.controller.resources({ kind: 'Feed' })).map(asFeed)
      seen = feeds.filter(({ metadata }) => wanted.has(keyOf(metadata)))
      if (seen.length === wanted.size && seen.every(holds)) return seen
      await sleep(lookMs, undefined, { signal: context.signal })
    } catch (error) {
      if (!context.signal.aborted) throw error
      throw new StageFailure(late(seen, holds, what), 'feedctl status')
    }
  }
}

function late(seen: FeedView[], holds: (feed: FeedView) => boolean, what: string): string {
  const words = seen
    .filter(feed => !holds(feed))
    .map(feed => {
      const ready = conditionOf(feed, 'Ready')
      return `${keyOf(feed.metadata)} ${what}${ready ? ` (${sentence(ready)})` : ''}`
    })
  return words.length > 0 ? words.join('; ') : 'the controller did not tell in time'
}
