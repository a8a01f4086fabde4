import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startDaemon } from './daemon.ts'
import { temporaryDirectory } from './directory.ts'
import { freePorts } from './port.ts'

export type Alertmanager = {
  readonly url: string
  /** Hands alerts over as Prometheus does; they are in force for as long as the server takes them to be. */
  post(alerts: { labels: Record<string, string>; annotations?: Record<string, string> }[]): Promise<void>
  stop(): Promise<void>
}

/** An Alertmanager on loopback, alone, with this configuration (`alertmanager.yml`). */
export async function startAlertmanager(config: string): Promise<Alertmanager> {
  const dir = await temporaryDirectory('alertmanager')
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  await writeFile(join(dir.path, 'alertmanager.yml'), config)
  const daemon = await startDaemon({
    command: 'prometheus-alertmanager',
    args: [
      '--config.file=alertmanager.yml',
      '--storage.path=data',
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ],
    dir: dir.path,
    ready: async () => (await fetch(`${url}/-/ready`)).ok,
  })
  return {
    url,
    async post(alerts) {
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`${url}/api/v2/alerts`, { method: 'POST', headers, body: JSON.stringify(alerts) })
      if (!response.ok) throw new Error(`the Alertmanager refuses the alerts: ${await response.text()}`)
    },
    async stop() {
      await daemon.stop()
      await dir.remove()
    },
  }
}
