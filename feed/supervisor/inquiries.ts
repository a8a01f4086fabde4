import type * as z from 'zod'
import { maxCalendarDays } from '../../crds/contract/calendar.ts'
import { asFault } from '../../crds/contract/fault.ts'
import { loginRetrySchema } from '../../crds/contract/loginretry.ts'
import { retryRequestSchema, subscriptionQuestionSchema } from '../../crds/contract/subscriptions.ts'
import { calendarView } from '../calendar/view.ts'
import { Logins } from './logins.ts'
import { Problem, sendJson } from './problem.ts'
import type { Call, Route } from './server.ts'
import { listSubscriptions, retrySubscriptions } from './subscriptions.ts'
import type { Supervisor } from './supervisor.ts'

const defaultCalendarDays = 5
/** The furthest moments that a calendar is asked about: 2000 and 2100. */
const earliestAt = Date.UTC(2000)
const latestAt = Date.UTC(2100)

/** Routes about subscriptions, logins and the calendar; docs/concepts/feed.md has them in its table. */
export function inquiryRoutes(supervisor: Supervisor): Route[] {
  const logins = new Logins(supervisor)
  return [
    { method: 'GET', path: '/v1/subscriptions', handle: call => subscriptions(call, supervisor) },
    { method: 'POST', path: '/v1/subscriptions/retry', handle: call => retry(call, supervisor) },
    { method: 'POST', path: '/v1/logins/retry', handle: call => retryLogins(call, logins) },
    { method: 'GET', path: '/v1/calendar', handle: call => calendar(call, supervisor) },
  ]
}

async function subscriptions({ response, query }: Call, supervisor: Supervisor): Promise<void> {
  const question = parsed(subscriptionQuestionSchema, {
    include: listOf(query, 'instrument'),
    exclude: listOf(query, 'exclude'),
    states: listOf(query, 'state'),
    account: query.get('account') ?? undefined,
    silentAfterSeconds: numberOf(query, 'silentAfterSeconds'),
    limit: numberOf(query, 'limit'),
    after: query.get('after') ?? undefined,
  })
  sendJson(response, 200, await answered(listSubscriptions(supervisor, question)))
}

async function retry({ response, body }: Call, supervisor: Supervisor): Promise<void> {
  sendJson(response, 202, await answered(retrySubscriptions(supervisor, parsed(retryRequestSchema, await body()))))
}

async function retryLogins({ response, body }: Call, logins: Logins): Promise<void> {
  sendJson(response, 202, await answered(logins.retry(parsed(loginRetrySchema, await body()))))
}

function calendar({ response, query }: Call, supervisor: Supervisor): void {
  const { launch, live } = supervisor.desired
  const question = { at: momentOf(query.get('at')), days: numberOf(query, 'days') ?? defaultCalendarDays }
  if (!Number.isInteger(question.days) || question.days < 1 || question.days > maxCalendarDays)
    throw new Problem(400, 'QueryInvalid', `days is a whole number from 1 to ${maxCalendarDays}`)
  sendJson(response, 200, calendarView(supervisor.calendar, launch.calendar, live.instrumentGroups, question))
}

// A session that does not answer is no defect of the question.
async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    const { reason, message } = asFault(error)
    throw new Problem(503, reason, message)
  }
}

function parsed<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new Problem(400, 'QueryInvalid', `${issue?.path.join('.')}: ${issue?.message}`)
}

const listOf = (query: URLSearchParams, name: string): string[] =>
  query
    .getAll(name)
    .flatMap(list => list.split(','))
    .filter(word => word !== '')

function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new Problem(400, 'QueryInvalid', `${name} is a number`)
  return value
}

function momentOf(text: string | null): number {
  if (text === null) return Date.now()
  const at = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (at >= earliestAt && at < latestAt) return at
  throw new Problem(400, 'QueryInvalid', 'at is a time between 2000 and 2100: ISO 8601 with its offset, or ms since 1970')
}
