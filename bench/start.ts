import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { LeftOut, type Measurement } from './measurement.ts'
import { interleaved, median, percentile } from './sample.ts'
import { installationDirectory } from './scene.ts'

const rounds = 3
const port = 9181

/** What a newcomer waits for: `npm start` to a feed that is Ready. */
export const start: Measurement = {
  name: 'start',
  about: 'npm start to Ready',
  needs: [],
  limitMs: 120_000,
  async measure(signal) {
    await assertFree()
    const samples = await interleaved(rounds, { ours: () => untilReady(signal), floor: () => bareNode(signal) }, signal)
    const ours = samples.ours.map(ms => ms / 1000)
    return [
      {
        ...{ name: 'npm start to Ready', unit: 's', value: median(ours), p99: percentile(ours, 0.99), n: rounds },
        beside: [{ kind: 'floor', name: 'node -e 0', value: median(samples.floor) / 1000 }],
        budget: { of: 'value', atMost: 30 },
      },
    ]
  },
}

/** `npm start` has one port and one folder: another one that runs here is left alone. */
async function assertFree(): Promise<void> {
  if (existsSync(join(installationDirectory, '.feedplane/quickstart')))
    throw new LeftOut('an npm start runs, or was killed, here')
  const server = createServer()
  const [event] = await Promise.race([
    once(server.listen(port, '127.0.0.1'), 'listening').then(() => ['listening']),
    once(server, 'error').then(() => ['error']),
  ])
  server.close()
  if (event !== 'listening') throw new LeftOut(`port ${port} is taken`)
}

/** Ended as a terminal ends it: Ctrl-C reaches npm, its shell and node. */
async function untilReady(signal: AbortSignal): Promise<number> {
  const began = performance.now()
  const child = spawn('npm', ['start'], { cwd: installationDirectory, stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  const end = () => signalGroup(child, 'SIGINT')
  signal.addEventListener('abort', end, { once: true })
  try {
    const said: string[] = []
    for await (const line of createInterface({ input: child.stderr })) {
      if (line.startsWith('✓ Ready')) return performance.now() - began
      said.push(line)
    }
    throw new Error(`npm start ended before it was Ready:\n${said.join('\n')}`)
  } finally {
    signal.removeEventListener('abort', end)
    await endGroup(child)
  }
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.stderr?.resume()
  const exit = once(child, 'exit')
  signalGroup(child, 'SIGINT')
  await exit
  while (existsSync(join(installationDirectory, '.feedplane/quickstart'))) await new Promise(done => setTimeout(done, 25))
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid !== undefined) process.kill(-pid, signal)
}

async function bareNode(signal: AbortSignal): Promise<number> {
  const began = performance.now()
  await once(spawn(process.execPath, ['-e', '0'], { signal, stdio: 'ignore' }), 'exit')
  return performance.now() - began
}
