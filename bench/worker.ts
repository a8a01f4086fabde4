import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/**
 * Runs a file of this folder as a process of its own, which answers with JSON on its standard output. `launcher` is a command that runs
 * the one after it. Throws where it ends otherwise than with 0.
 */
export async function askWorker<Answer>(
  file: string,
  args: string[],
  signal: AbortSignal,
  launcher: string[] = [],
): Promise<Answer> {
  const [command = '', ...rest] = [...launcher, process.execPath, join(import.meta.dirname, file), ...args]
  const worker = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'], signal })
  const [answer, [code]] = await Promise.all([text(worker.stdout), once(worker, 'exit')])
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code}`)
  return JSON.parse(answer) as Answer
}
