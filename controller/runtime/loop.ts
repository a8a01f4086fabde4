import { asFault } from '../../crds/contract/fault.ts'
import type { Clock } from './clock.ts'
import type { KeyQueue } from './queue.ts'
import type { Result } from './result.ts'

export type LoopOptions = {
  queue: KeyQueue
  clock: Clock
  random: () => number
  /** Nothing is reconciled before it is fulfilled. */
  ready: Promise<void>
  /** Reconciliations at the same time. */
  concurrency: number
  /** ms until a converged key is looked at again, before jitter of a fifth. */
  resyncMs: number
  reconcile: (key: string, signal: AbortSignal) => Promise<Result>
  /** Told of each result; `delayMs` is when the key comes back, `undefined` when it does not by itself. */
  observe: (key: string, result: Result, tookMs: number, delayMs: number | undefined) => void
}

/** Works on the queue until the signal, then waits for what is in flight. */
export async function runLoop(options: LoopOptions, signal: AbortSignal): Promise<void> {
  const { promise: aborted, resolve: onAborted } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => onAborted(), { once: true })
  if (signal.aborted) onAborted()
  void aborted.then(() => options.queue.close())
  await Promise.race([options.ready, aborted])
  await Promise.all(Array.from({ length: options.concurrency }, () => work(options, signal)))
}

async function work(options: LoopOptions, signal: AbortSignal): Promise<void> {
  for (;;) {
    const key = await options.queue.take()
    if (key === undefined) return
    const began = options.clock.now()
    const result = await attempt(options, key, signal)
    const delayMs = requeue(options, key, result)
    options.observe(key, result, options.clock.now() - began, delayMs)
    options.queue.finish(key)
  }
}

async function attempt(options: LoopOptions, key: string, signal: AbortSignal): Promise<Result> {
  try {
    return await options.reconcile(key, signal)
  } catch (error) {
    const fault = asFault(error)
    return fault.class === 'stalled' ? { type: 'stalled', fault } : { type: 'error', fault }
  }
}

/** The one switch from result to queue action. */
function requeue({ queue, random, resyncMs }: LoopOptions, key: string, result: Result): number | undefined {
  if (result.type === 'error') return queue.addFailed(key)
  queue.forget(key)
  if (result.type === 'gone') return undefined
  const delayMs = result.type === 'after' ? result.delayMs : resyncMs * (0.9 + 0.2 * random())
  queue.addAfter(key, delayMs)
  return delayMs
}
