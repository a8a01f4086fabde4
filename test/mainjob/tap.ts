import { createParser } from 'eventsource-parser'
import type { Tick } from '../../crds/contract/tick.ts'
import { TickChecker } from '../../feed/client/consumer.ts'

/** A consumer at the feed's own port, which lives on while there is no controller. */
export type FeedTap = {
  checker: TickChecker /** Settles when the feed, or `close`, has ended it. */
  ended: Promise<void>
  close(): Promise<void>
}

export async function openFeedTap({ url, token }: { url: string; token: string }): Promise<FeedTap> {
  const stop = new AbortController()
  const checker = new TickChecker()
  const response = await fetch(`${url}/v1/ticks`, { headers: { authorization: `Bearer ${token}` }, signal: stop.signal })
  const ended = read(response, checker).catch(() => undefined)
  const close = () => {
    stop.abort()
    return ended
  }
  return { checker, ended, close }
}

async function read(response: Response, checker: TickChecker): Promise<void> {
  const parser = createParser({
    onEvent: ({ event, data }) => event === 'tick' && checker.check(JSON.parse(data) as Tick),
  })
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }))
}
