import { holdsPromises, type Subject } from '../engines/engine.conformance.ts'
import { systemClock } from '../runtime/clock.ts'
import { simulatedEngine } from './engine.ts'
import type { Run, SimulatedWorkload } from './workload.ts'

const image = 'standin:1'
const installation = 'conformance'
const uid = 1000

holdsPromises('simulated', async (): Promise<Subject> => {
  const engine = simulatedEngine({
    clock: systemClock,
    installation,
    present: new Set([image]),
    registry: new Set([image]),
    program: standIn,
  })
  return {
    engine,
    ...{ image, installation, uid, prefix: 'sim', network: 'none', project: 'none' },
    async stranger(name) {
      const stranger = engine.addStranger(name)
      return async () => JSON.stringify([stranger.name, stranger.state, [...stranger.files]])
    },
    networks: {
      exists: async name => engine.networks.has(name),
      make: async name => void engine.networks.set(name, undefined),
      async disconnect(name) {
        const workload = engine.workloads.get(name)
        if (workload) workload.isDisconnected = true
      },
    },
    exposure: async name => JSON.stringify(await engine.inspect(name, AbortSignal.timeout(1000))),
    close: () => engine.close(),
  }
})

/** Does what the stand-in image of the other engines does, and says so in the same words. */
function standIn({ spec, files, id }: SimulatedWorkload): Run {
  const mode = spec.env.MODE ?? 'serve'
  if (mode === 'crash') return { lines: ['line 1'], end: { afterMs: 5, exitCode: 3 } }
  if (mode === 'exhaust') return { lines: ['line 1'], end: { afterMs: 5, exitCode: 137, outOfMemory: true } }
  const paths = [...files.keys()]
  const folders = new Set([
    'state',
    ...paths.flatMap(path =>
      path
        .split('/')
        .slice(0, -1)
        .map((_part, i, all) => all.slice(0, i + 1).join('/')),
    ),
  ])
  const lines = [
    'line 1',
    ...[...folders].map(path => `file 700 ${uid} ${path}`),
    ...paths.map(path => `file 400 ${uid} ${path}`),
    `variables ${Object.keys(spec.env).join(' ')}`,
    'ready',
  ]
  return {
    endpoint: `http://127.0.0.1:${1024 + (Number.parseInt(id.slice(0, 4), 16) % 60_000)}`,
    lines,
    ignoresTerm: mode === 'stubborn',
  }
}
