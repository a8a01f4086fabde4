import { Agent, type IncomingMessage, request } from 'node:http'
import * as z from 'zod'
import type { Desired, DesiredBody } from '../crds/contract/desired.ts'
import { digestOnce } from '../crds/contract/digest.ts'
import { stalled, transient } from '../crds/contract/fault.ts'
import { type FeedEvent, type FeedReport, feedEventSchema, feedReportSchema } from '../crds/contract/feedstatus.ts'
import type { LoginRetry } from '../crds/contract/loginretry.ts'
import type { RetryRequest } from '../crds/contract/subscriptions.ts'
import type { FeedClient } from './kinds/feed/ports.ts'

/** A feed on the same host answers within milliseconds; one that takes longer is in trouble. */
const reportTimeoutMs = 2000
/** A push may flip a gate; the feed answers when the flip is under way. */
const pushTimeoutMs = 10_000
/** 1.5 MB of it at the most; while it is on its way no gate is open. */
const positionTimeoutMs = 3000
/** A status holds at most some hundred rejections. */
const maxAnswerBytes = 4 * 1024 * 1024
/** Connections of one feed that are kept between two looks; the feed closes them after 30 s of silence. */
const maxIdlePerFeed = 2

/**
 * Talks to feeds over HTTP. The token goes into a header only. Connections are kept: of a look at a converged feed, which comes every
 * few seconds, a new one would be a good part.
 */
export const feedClient: FeedClient = {
  async report(endpoint, token, signal): Promise<FeedReport> {
    const answer = await call('GET', `${endpoint}/v1/status`, token, undefined, deadline(signal, reportTimeoutMs))
    if (answer.status !== 200) throw refusal(answer)
    const report = feedReportSchema.safeParse(parse(answer.text))
    if (report.success) return report.data
    throw transient('FeedUnreachable', `${endpoint} answers with something else than a status`, report.error)
  },
  async events(endpoint, token, after, signal): Promise<FeedEvent[]> {
    const url = `${endpoint}/v1/events?follow=false&after=${after}`
    const answer = await call('GET', url, token, undefined, deadline(signal, reportTimeoutMs))
    if (answer.status !== 200) throw refusal(answer)
    const body = eventsSchema.safeParse(parse(answer.text))
    if (body.success) return body.data.events
    throw transient('FeedUnreachable', `${endpoint} answers with something else than events`, body.error)
  },
  async push(endpoint, token, desired: Desired, known, signal) {
    const body = JSON.stringify(bodyOf(desired, known))
    const answer = await call('PUT', `${endpoint}/v1/desired`, token, body, deadline(signal, pushTimeoutMs))
    if (answer.status !== 200) throw refusal(answer)
  },
  async position(endpoint, token, signal) {
    const answer = await call('GET', `${endpoint}/v1/position`, token, undefined, deadline(signal, positionTimeoutMs))
    if (answer.status === 404) return undefined
    if (answer.status !== 200) throw refusal(answer)
    return answer.text
  },
  async takePosition(endpoint, token, position, signal) {
    const answer = await call('PUT', `${endpoint}/v1/position`, token, position, deadline(signal, positionTimeoutMs))
    if (answer.status === 404) throw stalled('FeedRefused', 'the feed is of a version that takes no position over')
    if (answer.status !== 200) throw refusal(answer)
  },
  async resubscribe(endpoint, token, request: RetryRequest, signal) {
    const body = JSON.stringify(request)
    const answer = await call('POST', `${endpoint}/v1/subscriptions/retry`, token, body, deadline(signal, pushTimeoutMs))
    if (answer.status === 404)
      throw stalled('FeedRefused', 'the feed is of a version that cannot subscribe again when it is told')
    if (answer.status !== 202) throw refusal(answer)
  },
  async retryLogins(endpoint, token, request: LoginRetry, signal) {
    const body = JSON.stringify(request)
    const answer = await call('POST', `${endpoint}/v1/logins/retry`, token, body, deadline(signal, pushTimeoutMs))
    if (answer.status === 404)
      throw stalled('FeedRefused', 'the feed is of a version that cannot log in again when it is told: restart it')
    if (answer.status !== 202) throw refusal(answer)
  },
}

/** Without the instruments where the feed is known to have them. */
function bodyOf(desired: Desired, knownInstruments: string | undefined): DesiredBody {
  const { instrumentGroups, ...live } = desired.live
  const instrumentsDigest = digestOnce(instrumentGroups)
  return instrumentsDigest === knownInstruments ? { ...desired, live: { ...live, instrumentsDigest } } : desired
}

const eventsSchema = z.object({ events: z.array(feedEventSchema) })

type Answer = { status: number; statusText: string; text: string }

const agent = new Agent({ keepAlive: true, maxFreeSockets: maxIdlePerFeed })

async function call(method: string, url: string, token: string, body: string | undefined, signal: AbortSignal): Promise<Answer> {
  for (;;) {
    const sent = send(method, url, token, body, signal)
    try {
      return await read(await sent.response)
    } catch (cause) {
      // A kept connection that the feed closed meanwhile says nothing about the feed. Every call may be made twice.
      if (!sent.isReused() || signal.aborted) throw transient('FeedUnreachable', `${url} does not answer`, cause)
    }
  }
}

function send(method: string, url: string, token: string, body: string | undefined, signal: AbortSignal) {
  const headers = {
    authorization: `Bearer ${token}`,
    ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  }
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const sending = request(url, { method, headers, agent, signal }, resolve)
  sending.once('error', reject)
  sending.end(body)
  return { response: promise, isReused: () => sending.reusedSocket }
}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxAnswerBytes) throw new Error(`the answer is longer than ${maxAnswerBytes} bytes`)
    chunks.push(chunk)
  }
  const { statusCode: status = 0, statusMessage: statusText = '' } = response
  return { status, statusText, text: Buffer.concat(chunks).toString('utf8') }
}

/** A lower epoch or another launch is refused with 409: the next look sees why, and plans anew. */
function refusal({ status, statusText, text }: Answer) {
  const { title = statusText, detail = '' } = (parse(text) ?? {}) as { title?: string; detail?: string }
  const words = `${status} ${title}: ${detail}`
  return status === 400 ? stalled('FeedRefused', words) : transient('FeedRefused', words)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function deadline(signal: AbortSignal, timeoutMs: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
}
