import { isDeepStrictEqual } from 'node:util'
import { readServices, type StackPorts } from './gather.ts'
import type { StackInput } from './input.ts'

/** A change was cut off, because what it was to bring about is no longer what is declared. */
export class Edited extends Error {}

/**
 * Does work that may wait for minutes (an image, the health of a service that others depend on), and ends it as soon as something else is declared, or
 * nothing: the edit that mends a Stack must not wait for what it mends. A file that cannot be read ends nothing. Throws `Edited` where it has ended it.
 */
export async function untilEdited(
  input: StackInput,
  ports: StackPorts,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const edited = new AbortController()
  const look = async () => {
    if (await isEdited(input, ports, signal)) edited.abort()
  }
  const onHint = () => void look().catch(() => undefined)
  const unfollow = ports.stacks.onHint(onHint)
  // What was declared since the look began was told to nobody.
  onHint()
  try {
    await work(AbortSignal.any([signal, edited.signal]))
  } catch (error) {
    if (edited.signal.aborted && !signal.aborted) throw new Edited('what is declared has changed meanwhile')
    throw error
  } finally {
    unfollow()
  }
}

async function isEdited({ key, declared, read }: StackInput, ports: StackPorts, signal: AbortSignal): Promise<boolean> {
  const now = ports.declared.get('Stack', key)
  if (now === undefined || !isDeepStrictEqual(now.resource, declared?.resource)) return true
  const readNow = await readServices(now, ports, signal)
  return Array.isArray(readNow) && !isDeepStrictEqual(readNow, read)
}
