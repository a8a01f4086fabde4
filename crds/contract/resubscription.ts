import { type RetryRequest, retryRequestSchema } from './subscriptions.ts'

/** What the annotation `feedplane.dev/resubscribe` says. */
export type Resubscription = { request: RetryRequest } | { problem: string }

/**
 * Reads the annotation: `TOKEN` or `TOKEN?QUERY`, where the query has the words of `GET /v1/subscriptions` and of the run:
 * `instrument`, `exclude`, `state` (lists joined by commas), `account`, `silentAfterSeconds`, `batch`, `requestsPerSecond`, `retries`. An
 * instrument's space is written `+`, its `&` as `%26`.
 */
export function parseResubscription(text: string): Resubscription {
  const at = text.indexOf('?')
  const query = new URLSearchParams(at < 0 ? '' : text.slice(at + 1))
  const unknown = [...query.keys()].find(name => !isWord(name))
  if (unknown !== undefined) return { problem: `there is no ${unknown}: use ${[...lists, ...words, ...numbers].join(', ')}` }
  const result = retryRequestSchema.safeParse(membersOf(query))
  if (result.success) return { request: result.data }
  const [issue] = result.error.issues
  return { problem: `${issue?.path.join('.')}: ${issue?.message}` }
}

/** The text that `parseResubscription` reads as this request. */
export function renderResubscription(token: string, request: Partial<RetryRequest>): string {
  const { include = [], exclude = [], states = [], ...others } = request
  const query = new URLSearchParams()
  const given = { instrument: include.join(','), exclude: exclude.join(','), state: states.join(','), ...others }
  for (const [name, value] of Object.entries(given)) if (value !== undefined && value !== '') query.set(name, String(value))
  return query.size === 0 ? token : `${token}?${query}`
}

const lists = ['instrument', 'exclude', 'state'] as const
const words = ['account'] as const
const numbers = ['silentAfterSeconds', 'batch', 'requestsPerSecond', 'retries'] as const

const isWord = (name: string): boolean => [...lists, ...words, ...numbers].some(word => word === name)

function membersOf(query: URLSearchParams): Record<string, unknown> {
  const members: Record<string, unknown> = {}
  for (const [name, text] of query) {
    if (name === 'instrument') members.include = listOf(text)
    else if (name === 'exclude') members.exclude = listOf(text)
    else if (name === 'state') members.states = listOf(text)
    else members[name] = numbers.some(number => number === name) ? Number(text) : text
  }
  return members
}

const listOf = (text: string): string[] => text.split(',').filter(word => word !== '')
