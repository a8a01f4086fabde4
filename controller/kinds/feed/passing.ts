import type { Seat } from './decision.ts'
import type { FeedClient } from './ports.ts'

/** What happens between the closing of the one gate and the opening of the other. */
export type Passing = 'copied' | 'closed' | 'positioned' | 'opened'

/**
 * Moves the gate between two processes: the old one closes it, the new one is given where publishing stands and opens its own. All of it is
 * idempotent: the next look repeats what is not seen to have been done.
 *
 * The position is copied once before the gate is closed. So the new one is known to take it, and has one nearly as new where the old one
 * dies in the next moment.
 */
export async function passGate(
  { from, ...to }: Seat & { from: Seat | undefined },
  feeds: FeedClient,
  token: string,
  around: {
    now: number
    reached: (passing: Passing) => void | Promise<void>
    /** Digest of the instruments that a container has reported. */
    instrumentsOf: (container: string) => string | undefined
  },
  signal: AbortSignal,
): Promise<void> {
  const copy = async (source: Seat) => {
    const position = (await feeds.position(source.endpoint, token, signal)) ?? unknownPosition(around.now)
    await feeds.takePosition(to.endpoint, token, position, signal)
  }
  const push = ({ endpoint, container, desired }: Seat) =>
    feeds.push(endpoint, token, desired, around.instrumentsOf(container), signal)
  if (from) {
    await copy(from)
    await around.reached('copied')
    await push(from)
    await around.reached('closed')
    await copy(from)
  } else await feeds.takePosition(to.endpoint, token, unknownPosition(around.now), signal)
  await around.reached('positioned')
  await push(to)
  await around.reached('opened')
}

/** More may have been published than anybody knows: the feed leaves what it has kept, and tells a gap. */
function unknownPosition(at: number): string {
  return JSON.stringify({ exact: false, at, instruments: [], sequence: [], time: [], volume: [], hash: [] })
}
