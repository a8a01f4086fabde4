import { setTimeout as sleep } from 'node:timers/promises'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { answered, causeOf } from './answer.ts'
import { ExitError } from './exit.ts'

/** One server-sent event, or `reconnecting` where the stream broke and is taken up again (`data` says why). */
export type Message = { event: string; data: string }

/** The server comments every 15 s; three missing comments are a dead connection. */
const silenceLimitMs = 45_000
const firstDelayMs = 250
const longestDelayMs = 5_000
/** A server-sent event longer than this is a defect at the other end. */
const longestEventCharacters = 16 * 1024 * 1024

/**
 * Reads server-sent events until the signal ends it (then it returns) or the server refuses it (then it throws). A connection
 * that breaks, or that a restarting controller answers with a 5xx, is taken up again with a growing delay, saying so.
 */
export async function* streamMessages(server: string, path: string, signal: AbortSignal): AsyncGenerator<Message> {
  let delayMs = firstDelayMs
  while (!signal.aborted) {
    try {
      for await (const message of readOnce(server, path, signal)) {
        if (message === 'open') delayMs = firstDelayMs
        else yield message
      }
      if (signal.aborted) return
      yield { event: 'reconnecting', data: 'the controller ended the stream' }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ExitError) throw error
      yield { event: 'reconnecting', data: causeOf(error) }
    }
    await sleep(delayMs, undefined, { signal }).catch(() => undefined)
    delayMs = Math.min(delayMs * 2, longestDelayMs)
  }
}

async function* readOnce(server: string, path: string, signal: AbortSignal): AsyncGenerator<Message | 'open'> {
  const silence = silenceGuard()
  try {
    const response = await fetch(`${server.replace(/\/+$/, '')}${path}`, {
      headers: { accept: 'text/event-stream' },
      signal: AbortSignal.any([signal, silence.signal]),
    })
    if (!response.ok || response.body === null) {
      const refusal = await answered(server, `GET ${path}`, response)
      throw response.status < 500 ? refusal : new Error(refusal.message)
    }
    yield 'open'
    yield* eventsOf(response.body, silence.restart)
  } finally {
    silence.end()
  }
}

async function* eventsOf(body: NonNullable<Response['body']>, onText: () => void): AsyncGenerator<Message> {
  const pending: EventSourceMessage[] = []
  const parser = createParser({ onEvent: message => pending.push(message), maxBufferSize: longestEventCharacters })
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    onText()
    parser.feed(text)
    for (const { event = 'message', data } of pending.splice(0)) yield { event, data }
  }
}

function silenceGuard(): { signal: AbortSignal; restart: () => void; end: () => void } {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new Error(`nothing heard for ${silenceLimitMs / 1000} s`)), silenceLimitMs)
  return { signal: controller.signal, restart: () => timer.refresh(), end: () => clearTimeout(timer) }
}
