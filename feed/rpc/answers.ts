import * as z from 'zod'
import { type Exchange, exchanges } from '../../crds/contract/catalogue.ts'
import type { InstrumentGroup } from '../../crds/contract/desired.ts'
import {
  type AccountListing,
  type RetryRequest,
  retryRequestSchema,
  type SubscriptionQuestion,
  subscriptionQuestionSchema,
} from '../../crds/contract/subscriptions.ts'
import type { Method } from './subjects.ts'

/** What the answers are made from. */
export type Sources = {
  feed: string
  groups: () => InstrumentGroup[]
  /** The subscriptions of the account that publishes, all of them. */
  list: (question: SubscriptionQuestion) => Promise<AccountListing>
  retry: (request: RetryRequest) => Promise<unknown>
  unready: () => { reason: string; message: string }[]
  /** ms since 1970 */
  now: () => number
}

/** A request that cannot be answered as it is; `reason` in the older service's lower case with underscores. */
export class RequestError extends Error {
  readonly reason: string

  constructor(reason: string, message: string) {
    super(message)
    this.name = 'RequestError'
    this.reason = reason
  }
}

/** Symbols of one request. */
export const maxSymbols = 20_000

/** Names of one order to the session. */
const namesPerOrder = 1000

const bulkSchema = z.object({ symbols: z.array(z.string().min(1).max(100)).max(maxSymbols) })
const activeSchema = z.object({ limit: z.int().min(0).max(maxSymbols).optional() })

/** Answers a request of the older service. `ts` is ms since 1970, `source` the feed. Throws a RequestError. */
export function answerTo(method: Method, body: unknown, sources: Sources): Promise<object> | object {
  switch (method) {
    case 'md.contracts.list':
      return contracts(sources)
    case 'md.subscribe.bulk':
      return subscribe(parsed(bulkSchema, body).symbols, sources)
    case 'md.subscriptions.active':
      return active(parsed(activeSchema, body).limit, sources)
    case 'health.check':
      return health(sources)
  }
}

function contracts({ feed, groups, now }: Sources): object {
  return { symbols: groups().flatMap(({ instruments }) => instruments), source: feed, ts: now() }
}

/**
 * What is declared is accepted, and asked for again where it was refused or is silent; what is not declared is rejected with the place
 * to declare it. The declared set stays as it is.
 */
async function subscribe(symbols: string[], sources: Sources): Promise<object> {
  const declared = exchangesOf(sources.groups())
  const known = (symbol: string): string | undefined => nameOf(symbol, declared)
  const unique = [...new Set(symbols)]
  const accepted = unique.filter(symbol => known(symbol) !== undefined)
  const include = [...new Set(accepted.flatMap(symbol => known(symbol) ?? []))].filter(isPlain)
  for (let at = 0; at < include.length; at += namesPerOrder) {
    await sources.retry(retryRequestSchema.parse({ include: include.slice(at, at + namesPerOrder) }))
  }
  const reason = `not declared: add it to a SubscriptionSet of Feed ${sources.feed}`
  const rejected = unique.filter(symbol => known(symbol) === undefined).map(symbol => ({ symbol, reason }))
  return { accepted, rejected, ts: sources.now() }
}

async function active(limit: number | undefined, { feed, list, now }: Sources): Promise<object> {
  const { items } = await list(subscriptionQuestionSchema.parse({ states: ['acknowledged'], limit: 5000 }))
  const pushed = items.filter(item => item.pushed).map(({ instrument }) => instrument)
  const subscriptions = limit === undefined ? pushed : pushed.slice(0, limit)
  const truncated = subscriptions.length < pushed.length
  return { subscriptions, total: pushed.length, ts: now(), source: feed, ...(truncated ? { truncated } : {}) }
}

function health({ feed, unready, now }: Sources): object {
  const reasons = unready()
  return { status: reasons.length === 0 ? 'ok' : 'degraded', source: feed, ts: now(), ...(reasons.length > 0 ? { reasons } : {}) }
}

function parsed<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const result = schema.safeParse(body ?? {})
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new RequestError('invalid_request', `${issue?.path.join('.')}: ${issue?.message}`)
}

function exchangesOf(groups: InstrumentGroup[]): Map<string, Exchange> {
  return new Map(groups.flatMap(({ exchange, instruments }) => instruments.map(name => [name, exchange])))
}

/** A symbol as `AP010`, `CZCE.AP010` or `AP010.CZCE`. */
function nameOf(symbol: string, declared: Map<string, Exchange>): string | undefined {
  if (declared.has(symbol)) return symbol
  for (const exchange of exchanges) {
    const bare = symbol.startsWith(`${exchange}.`)
      ? symbol.slice(exchange.length + 1)
      : symbol.endsWith(`.${exchange}`)
        ? symbol.slice(0, -exchange.length - 1)
        : undefined
    if (bare !== undefined && declared.get(bare) === exchange) return bare
  }
  return undefined
}

// No instrument has these in its name; as a pattern they would mean others too.
const isPlain = (name: string): boolean => !/[*?]/.test(name)
