import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../test/services/deadline.ts'

/** Where Node opens its inspector on SIGUSR1. One process of a machine at a time can be profiled in this way. */
const inspectorUrl = 'http://127.0.0.1:9229/json/list'
const sampleEveryUs = 1000

type CallFrame = { functionName: string; url: string }
type Profile = { nodes: { id: number; callFrame: CallFrame }[]; samples: number[]; timeDeltas: number[] }

/** Shares of a Node process's main thread, by what `partOf` calls a function that ran; they add up to 1. */
export async function profileOf(
  pid: number,
  ms: number,
  partOf: (frame: CallFrame) => string,
  signal: AbortSignal,
): Promise<Map<string, number>> {
  process.kill(pid, 'SIGUSR1')
  const call = await openInspector()
  try {
    await call('Profiler.enable')
    await call('Profiler.setSamplingInterval', { interval: sampleEveryUs })
    await call('Profiler.start')
    await delay(ms, undefined, { signal })
    const { profile } = (await call('Profiler.stop')) as { profile: Profile }
    return sharesOf(profile, partOf)
  } finally {
    await call('Profiler.disable')
  }
}

/** A function that asks the inspector. Its socket ends with the process that is looked at. */
async function openInspector() {
  let url: string | undefined
  await until('the inspector', async () => {
    const targets = (await (await fetch(inspectorUrl)).json()) as { webSocketDebuggerUrl: string }[]
    url = targets[0]?.webSocketDebuggerUrl
    return url !== undefined
  })
  const socket = new WebSocket(url ?? '')
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = () => reject(new Error('the inspector refused the connection'))
  })
  const answers = new Map<number, (result: unknown) => void>()
  socket.onmessage = ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown }
    if (id !== undefined) answers.get(id)?.(result)
  }
  let last = 0
  return (method: string, params: object = {}) => {
    const id = ++last
    const answer = new Promise<unknown>(resolve => answers.set(id, resolve))
    socket.send(JSON.stringify({ id, method, params }))
    return answer
  }
}

export function sharesOf({ nodes, samples, timeDeltas }: Profile, partOf: (frame: CallFrame) => string): Map<string, number> {
  const parts = new Map(nodes.map(({ id, callFrame }) => [id, partOf(callFrame)]))
  const total = timeDeltas.reduce((sum, delta) => sum + delta, 0)
  const shares = new Map<string, number>()
  for (const [i, id] of samples.entries()) {
    const part = parts.get(id) ?? ''
    shares.set(part, (shares.get(part) ?? 0) + (timeDeltas[i] ?? 0) / total)
  }
  return shares
}
