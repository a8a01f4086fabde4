import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'
import { labels } from '../engine.ts'
import type { DockerClient } from './client.ts'
import { isUnfinished } from './creation.ts'
import { readLines } from './ndjson.ts'

const eventSchema = z.object({ time: z.number(), Actor: z.object({ Attributes: z.record(z.string(), z.string()) }) })

/** What changes a Workload. Left out are exec, attach, top and their like, which a health check makes by the minute. */
const actions = ['create', 'start', 'die', 'stop', 'oom', 'rename', 'destroy', 'pause', 'unpause', 'update', 'health_status']
const firstRetryMs = 250
const maxRetryMs = 30_000

/**
 * Hints from the engine's events until the signal. A stream may fall silent without ending, and the engine replays 256 events at most:
 * so it is opened anew every `reopenMs`, from where the last one ended by the engine's clock, and each opening hints at everything.
 */
export async function watchEvents(
  client: DockerClient,
  { installation, reopenMs }: { installation: string; reopenMs: number },
  onChange: (name?: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let since: number | undefined
  let failures = 0
  while (!signal.aborted) {
    const reopen = AbortSignal.timeout(reopenMs)
    try {
      const { clockS } = await client.negotiate(signal)
      const stream = await open(client, installation, since ?? clockS, AbortSignal.any([signal, reopen]))
      onChange()
      failures = 0
      since ??= clockS
      for await (const line of readLines(stream, () => undefined)) since = hint(line, onChange) ?? since
    } catch {
      if (reopen.aborted && !signal.aborted) continue
    }
    await delay(Math.min(maxRetryMs, firstRetryMs * 2 ** failures++), undefined, { signal }).catch(() => undefined)
  }
}

function open(
  client: DockerClient,
  installation: string,
  since: number,
  signal: AbortSignal,
): ReturnType<DockerClient['stream']> {
  const label = [labels.owner, `${labels.installation}=${installation}`]
  const query = { since: String(since), filters: JSON.stringify({ type: ['container'], event: actions, label }) }
  return client.stream({ method: 'GET', path: '/events', query, what: 'tell its events', signal, deadlineMs: openTimeoutMs })
}

const openTimeoutMs = 30_000

// Both names of a rename. Returns the event's time on the engine's clock, seconds.
function hint(line: unknown, onChange: (name?: string) => void): number | undefined {
  const event = eventSchema.safeParse(line).data
  if (event === undefined) return undefined
  const { name, oldName } = event.Actor.Attributes
  for (const changed of [name, oldName?.replace(/^\//, '')]) {
    if (changed !== undefined && !isUnfinished(changed)) onChange(changed)
  }
  return event.time
}
