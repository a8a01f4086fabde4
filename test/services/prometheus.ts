import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startDaemon } from './daemon.ts'
import { temporaryDirectory } from './directory.ts'
import { freePorts } from './port.ts'

export type Prometheus = {
  readonly url: string
  readonly pid: number
  /** Instant query of the HTTP API: the `data.result` list. Throws what the server says where the query is wrong. */
  query(expression: string): Promise<Sample[]>
  stop(): Promise<void>
}

type Sample = { metric: Record<string, string>; value: [unixSeconds: number, value: string] }

/** A Prometheus server on loopback with this configuration (`prometheus.yml`); rule files by name beside it. */
export async function startPrometheus(config: string, files: Record<string, string> = {}): Promise<Prometheus> {
  const dir = await temporaryDirectory('prometheus')
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  await Promise.all(
    Object.entries({ ...files, 'prometheus.yml': config }).map(([name, text]) => writeFile(join(dir.path, name), text)),
  )
  const daemon = await startDaemon({
    command: 'prometheus',
    args: ['--config.file=prometheus.yml', '--storage.tsdb.path=data', `--web.listen-address=127.0.0.1:${port}`],
    dir: dir.path,
    ready: async () => (await fetch(`${url}/-/ready`)).ok,
  })
  const stop = async () => {
    await daemon.stop()
    await dir.remove()
  }
  return { url, pid: daemon.pid, query: expression => query(url, expression), stop }
}

/** What `promtool check metrics` has to say against an exposition text: empty where there is nothing. */
export function checkMetrics(exposition: string): Promise<string> {
  return new Promise(resolve => {
    const child = execFile('promtool', ['check', 'metrics'], (error, stdout, stderr) =>
      resolve(error ? `${stdout}${stderr}` || error.message : ''),
    )
    child.stdin?.end(exposition)
  })
}

async function query(url: string, expression: string): Promise<Sample[]> {
  const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: expression })}`)
  const answer = (await response.json()) as { data?: { result: Sample[] }; error?: string }
  if (answer.data === undefined) throw new Error(`${expression}: ${answer.error}`)
  return answer.data.result
}
