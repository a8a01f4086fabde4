import { setTimeout as sleep } from 'node:timers/promises'
import { keyOf } from '../../../crds/contract/resource.ts'
import { parseResubscription, renderResubscription } from '../../../crds/contract/resubscription.ts'
import {
  type RetryRequest,
  retryStates,
  type SubscriptionState,
  type SubscriptionsView,
  subscriptionStates,
} from '../../../crds/contract/subscriptions.ts'
import { requestAnnotations } from '../../../crds/feed.ts'
import { durationMsOf, numberOf } from '../argument.ts'
import { changeFeed } from '../change.ts'
import type { SubscriptionsQuery } from '../client.ts'
import type { Context } from '../context.ts'
import { parseDurationMs } from '../duration.ts'
import { type ExitCode, exitCodes, trouble } from '../exit.ts'
import { resourceOf } from '../reference.ts'
import { readAll } from '../subscriptionlist.ts'
import { type AccountPage, coverageOf, renderSubscriptions } from '../subscriptionpage.ts'

export type SubscriptionsOptions = {
  include?: string[]
  exclude?: string[]
  state?: string[]
  account?: 'primary' | 'backup'
  silentAfter: string
  threshold: string
  limit: string
  output: 'table' | 'json' | 'csv'
  retry?: true
  dryRun?: true
  batch?: string
  rate?: string
  retries?: string
  wait?: true
  timeout: string
}

/** What a table lists unless it is told otherwise: what is not as it should be. */
const troubledStates: SubscriptionState[] = ['pending', 'silent', 'rejected', 'quarantined']

/** How often a retry that is waited for is looked at, in ms. */
const lookMs = 1000

/**
 * What has become of a feed's subscriptions. Exit 0 where enough of the selected instruments are acknowledged and were pushed on the
 * account that publishes (or the one named), 1 where they are not. `--retry` has the front asked again, through the declared YAML.
 */
export async function subscriptions(context: Context, name: string, options: SubscriptionsOptions): Promise<ExitCode> {
  const threshold = numberOf('--threshold', options.threshold, 0, 1)
  const key = keyOf((await resourceOf(context, 'Feed', name)).metadata)
  if (options.retry || options.dryRun) return retry(context, key, options, threshold)
  return show(context, key, options, threshold)
}

async function show(context: Context, key: string, options: SubscriptionsOptions, threshold: number): Promise<ExitCode> {
  const states = statesOf(options, subscriptionStates) ?? (options.output === 'table' ? troubledStates : undefined)
  const rows = options.output === 'table' ? numberOf('--limit', options.limit, 0, 20_000) : Number.POSITIVE_INFINITY
  const view = await readSelected(context, key, { ...selectionOf(options), state: states?.join(',') }, rows)
  const judged = judge(view, options)
  context.terminal.out(renderSubscriptions({ view, threshold, judged }, options.output, context.terminal))
  return coverageOf(judged.counts) >= threshold ? exitCodes.ok : exitCodes.negative
}

async function retry(context: Context, key: string, options: SubscriptionsOptions, threshold: number): Promise<ExitCode> {
  const request = requestOf(options)
  const states = request.states ?? [...retryStates]
  const text = renderResubscription(context.newToken(), request)
  const parsed = parseResubscription(text)
  if ('problem' in parsed) throw trouble(`the run is not possible: ${parsed.problem}`)
  const view = await readSelected(context, key, { ...selectionOf(options), state: states.join(',') }, 0)
  const counts = view.accounts.map(({ account, counts: all }) => ({
    account,
    asked: states.reduce((sum, state) => sum + all[state], 0),
  }))
  const asked = counts.reduce((sum, one) => sum + one.asked, 0)
  const words = counts.map(one => `${one.asked} on ${one.account}`).join(', ')
  if (options.output !== 'json') context.terminal.err(`${key}: ${states.join(', ')}: ${words}\n`)
  if (options.dryRun || asked === 0) {
    if (options.output === 'json') context.terminal.out(`${JSON.stringify({ feed: key, request: text, accounts: counts })}\n`)
    else context.terminal.err(asked === 0 ? 'nothing to ask for again; nothing was edited\n' : `would write ${text}\n`)
    return coverageOf(judge(view, options).counts) >= threshold ? exitCodes.ok : exitCodes.negative
  }
  const path = ['metadata', 'annotations', requestAnnotations.resubscribe]
  const output = options.output === 'json' ? 'json' : 'text'
  const change = { change: { path, value: text }, goal: { token: text } }
  const edit = { timeout: options.timeout, output, ...(options.wait && { wait: options.wait }) }
  const code = await changeFeed(context, key, edit, () => change)
  return options.wait && code === exitCodes.ok ? untilCovered(context, key, options, threshold) : code
}

/** Looks until enough instruments are covered; exit 1 where they are not in time. */
async function untilCovered(context: Context, key: string, options: SubscriptionsOptions, threshold: number): Promise<ExitCode> {
  for (const end = performance.now() + durationMsOf('--timeout', options.timeout); ; ) {
    const view = await readSelected(context, key, selectionOf(options), 0)
    if (coverageOf(judge(view, options).counts) >= threshold || performance.now() >= end)
      return show(context, key, options, threshold)
    await sleep(lookMs, undefined, { signal: context.signal })
  }
}

/** Every page; trouble where the patterns leave nothing. */
async function readSelected(context: Context, key: string, query: SubscriptionsQuery, rows: number): Promise<SubscriptionsView> {
  const view = await readAll(context, key, query, rows)
  if (view.accounts.every(({ counts }) => counts.desired === 0))
    throw trouble(
      `${key} subscribes to nothing that --include and --exclude leave`,
      'patterns are of NAME or EXCHANGE.NAME: "CZCE.AP*"',
    )
  return view
}

/** The account that the exit status speaks of. */
function judge(view: SubscriptionsView, { account }: SubscriptionsOptions): AccountPage {
  const wanted = view.accounts.find(one => one.account === (account ?? view.active))
  if (wanted === undefined) throw trouble(`the session ${account ?? view.active} of ${view.feed} does not run`)
  return wanted
}

function selectionOf(options: SubscriptionsOptions): SubscriptionsQuery {
  const seconds = secondsOf(options.silentAfter)
  return {
    instrument: options.include?.join(','),
    exclude: options.exclude?.join(','),
    account: options.account,
    silentAfterSeconds: seconds,
  }
}

function requestOf(options: SubscriptionsOptions): Partial<RetryRequest> {
  const { include = [], exclude = [], account, batch, rate, retries } = options
  const states = statesOf(options, retryStates)
  return {
    include: split(include),
    exclude: split(exclude),
    ...(states && { states: states as RetryRequest['states'] }),
    ...(account && { account }),
    silentAfterSeconds: secondsOf(options.silentAfter),
    ...(batch !== undefined && { batch: numberOf('--batch', batch, 1, 2000) }),
    ...(rate !== undefined && { requestsPerSecond: numberOf('--rate', rate, 0.1, 1000) }),
    ...(retries !== undefined && { retries: numberOf('--retries', retries, 0, 10) }),
  }
}

function statesOf({ state }: SubscriptionsOptions, known: readonly SubscriptionState[]): SubscriptionState[] | undefined {
  if (state === undefined) return undefined
  return split(state).map(word => {
    const found = known.find(one => one === word)
    if (found === undefined) throw trouble(`--state ${word}: there are ${known.join(', ')}`)
    return found
  })
}

const split = (lists: string[]): string[] => lists.flatMap(list => list.split(',')).filter(word => word !== '')

function secondsOf(text: string): number {
  const ms = parseDurationMs(text)
  if (ms === undefined || ms < 1000)
    throw trouble(`--silent-after ${text} is no duration of a second or more`, 'write 90s, 10m, 1h')
  return ms / 1000
}
