import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { transient } from '../../crds/contract/fault.ts'
import { CommandFailed } from './failure.ts'

/** How a Docker engine is reached. */
export type EngineAddress = { endpoint: string; tls?: { ca: string; cert: string; key: string } | undefined }

export type Command = {
  /** After `docker --host ENDPOINT`. Never a secret: arguments are for everybody on the machine to read. */
  args: string[]
  /** What is tried, for error texts: `start nats`. */
  what: string
  timeoutMs: number
  signal: AbortSignal
}

export type DockerCommand = (engine: EngineAddress, command: Command) => Promise<string>

/** More of standard output than this is no answer of Compose; of standard error the end is kept. */
const maxOutputBytes = 16 * 1024 * 1024
const maxErrorBytes = 64 * 1024

/** Time between SIGTERM and SIGKILL for a command that is too late. */
const killAfterMs = 10_000

/**
 * Runs the docker command with an environment of exactly these variables. Answers its standard output. Throws `CommandFailed` with its
 * words, a transient Fault `ComposeTimeout`, or Node's ENOENT where there is no such command.
 */
export function dockerCommand(environment: Record<string, string>): DockerCommand {
  return async (engine, { args, what, timeoutMs, signal }) => {
    const late = AbortSignal.timeout(timeoutMs)
    // A group of its own: the docker command passes no signal on to Compose, which is a process below it.
    const child = spawn('docker', [...addressArgs(engine), ...args], {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const stop = stopOn(AbortSignal.any([signal, late]), name => child.pid !== undefined && killGroup(child.pid, name))
    try {
      const output = collect(child.stdout, maxOutputBytes)
      const errors = collect(child.stderr, maxErrorBytes)
      const [code] = (await once(child, 'close')) as [number | null]
      if (late.aborted) throw transient('ComposeTimeout', `docker did not ${what} within ${timeoutMs / 1000} s`)
      if (signal.aborted) throw transient('ComposeFailed', `docker did not ${what}: it was ended before`)
      if (code !== 0) throw new CommandFailed(errors.text())
      return output.text()
    } finally {
      stop()
    }
  }
}

function addressArgs({ endpoint, tls }: EngineAddress): string[] {
  const secure = tls && ['--tlsverify', '--tlscacert', tls.ca, '--tlscert', tls.cert, '--tlskey', tls.key]
  return ['--host', endpoint, ...(secure ?? [])]
}

function stopOn(signal: AbortSignal, kill: (name: NodeJS.Signals) => void): () => void {
  let hard: NodeJS.Timeout | undefined
  const end = () => {
    kill('SIGTERM')
    hard = setTimeout(() => kill('SIGKILL'), killAfterMs)
  }
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  return () => {
    signal.removeEventListener('abort', end)
    clearTimeout(hard)
  }
}

function killGroup(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name)
  } catch {
    // It has ended meanwhile.
  }
}

function collect(stream: NodeJS.ReadableStream, limitBytes: number): { text(): string } {
  let chunks: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    if (size <= 2 * limitBytes) return
    chunks = [Buffer.concat(chunks).subarray(-limitBytes)]
    size = limitBytes
  })
  return { text: () => Buffer.concat(chunks).subarray(-limitBytes).toString('utf8') }
}
