import type { Engine } from './engine.ts'

/** Stops every workload of this installation, all at once. Throws the first failure after all have been tried. */
export async function stopAll(engine: Engine, signal: AbortSignal): Promise<void> {
  const found = await engine.list(signal)
  const outcomes = await Promise.allSettled(found.map(({ name }) => engine.stop(name, signal)))
  const failed = outcomes.find(outcome => outcome.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
