import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { startDaemon } from './daemon.ts'
import { temporaryDirectory } from './directory.ts'
import { freePorts } from './port.ts'

export type Prometheus = {
  readonly url: string
  readonly pid: number
  /** Folder of its configuration and rules. */
  readonly folder: string
  /** Has it read them again (SIGHUP). */
  reload(): void
  /** Instant query of the HTTP API: the `data.result` list. Throws what the server says where the query is wrong. */
  query(expression: string): Promise<Sample[]>
  stop(): Promise<void>
}

type Sample = { metric: Record<string, string>; value: [unixSeconds: number, value: string] }

export type PrometheusOptions = {
  /** Rule files by their names, relative to the configuration. */
  files?: Record<string, string>
  /** Served at `/user/`. */
  assets?: string
  /** For `external_labels`. */
  env?: Record<string, string>
}

/** A Prometheus server on loopback with this configuration (`prometheus.yml`), which is told its own HOST:PORT. */
export async function startPrometheus(
  config: string | ((self: string) => string),
  { files = {}, assets, env = {} }: PrometheusOptions = {},
): Promise<Prometheus> {
  const dir = await temporaryDirectory('prometheus')
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const text = typeof config === 'string' ? config : config(new URL(url).host)
  for (const [name, content] of Object.entries({ ...files, 'prometheus.yml': text })) {
    await mkdir(dirname(join(dir.path, name)), { recursive: true })
    await writeFile(join(dir.path, name), content)
  }
  const daemon = await startDaemon({
    command: 'prometheus',
    args: [
      ...['--config.file=prometheus.yml', '--storage.tsdb.path=data', '--enable-feature=expand-external-labels'],
      '--rules.alert.resend-delay=1s',
      ...[`--web.listen-address=127.0.0.1:${port}`, `--web.external-url=${url}`],
      ...(assets === undefined ? [] : [`--web.user-assets=${assets}`]),
    ],
    dir: dir.path,
    env,
    ready: async () => (await fetch(`${url}/-/ready`)).ok,
  })
  const stop = async () => {
    await daemon.stop()
    await dir.remove()
  }
  const reload = () => void process.kill(daemon.pid, 'SIGHUP')
  return { url, pid: daemon.pid, folder: dir.path, reload, query: expression => query(url, expression), stop }
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
