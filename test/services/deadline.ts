import { setTimeout as delay } from 'node:timers/promises'

const pollMs = 25

/**
 * Asks `probe` again and again until it answers something other than `undefined` or `false`, and returns that.
 * Throws once `deadlineMs` have passed; the last error of the probe is the `cause`. A probe that throws is asked again.
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  deadlineMs = 30_000,
): Promise<T> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const answer = await attempt(probe)
    if (answer.value !== undefined && answer.value !== false) return answer.value
    if (performance.now() >= end) throw new Error(`after ${deadlineMs} ms still waiting for ${what}`, { cause: answer.error })
    await delay(pollMs)
  }
}

async function attempt<T>(probe: () => T): Promise<{ value?: Awaited<T>; error?: unknown }> {
  try {
    return { value: await probe() }
  } catch (error) {
    return { error }
  }
}
