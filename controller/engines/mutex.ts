/** One at a time, in order of asking. Who waits leaves when its signal aborts, with the signal's reason. */
export class Mutex {
  #last: Promise<void> = Promise.resolve()

  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.#last
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last = before.then(() => promise)
    try {
      await abortable(before, signal)
      return await work()
    } finally {
      resolve()
    }
  }
}

/** The promise's outcome, or the signal's reason as soon as it aborts, also where it had aborted before. The promise is never unhandled. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([aborted, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
