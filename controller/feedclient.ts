import type { Desired } from '../crds/contract/desired.ts'
import { stalled, transient } from '../crds/contract/fault.ts'
import { type FeedReport, feedReportSchema } from '../crds/contract/feedstatus.ts'
import type { FeedClient } from './kinds/feed/ports.ts'

/** A feed on the same host answers within milliseconds; one that takes longer is in trouble. */
const reportTimeoutMs = 2000
/** A push may flip a gate; the feed answers when the flip is under way. */
const pushTimeoutMs = 10_000

/** Talks to feeds over HTTP. The token goes into a header only. */
export const feedClient: FeedClient = {
  async report(endpoint, token, signal): Promise<FeedReport> {
    const response = await call(`${endpoint}/v1/status`, { headers: bearer(token) }, deadline(signal, reportTimeoutMs))
    if (!response.ok) throw await refusal(response)
    const report = feedReportSchema.safeParse(await response.json())
    if (report.success) return report.data
    throw transient('FeedUnreachable', `${endpoint} answers with something else than a status`, report.error)
  },
  async push(endpoint, token, desired: Desired, signal) {
    const headers = { ...bearer(token), 'content-type': 'application/json' }
    const response = await call(
      `${endpoint}/v1/desired`,
      { method: 'PUT', headers, body: JSON.stringify(desired) },
      deadline(signal, pushTimeoutMs),
    )
    if (!response.ok) throw await refusal(response)
    await response.arrayBuffer()
  },
}

async function call(url: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal })
  } catch (cause) {
    throw transient('FeedUnreachable', `${url} does not answer`, cause)
  }
}

/** A lower epoch or another launch is refused with 409: the next look sees why, and plans anew. */
async function refusal(response: Response) {
  const problem = (await response.json().catch(() => ({}))) as { title?: string; detail?: string }
  const text = `${response.status} ${problem.title ?? response.statusText}: ${problem.detail ?? ''}`
  return response.status === 400 ? stalled('FeedRefused', text) : transient('FeedRefused', text)
}

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

function deadline(signal: AbortSignal, timeoutMs: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
}
