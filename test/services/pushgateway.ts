import { join } from 'node:path'
import { startDaemon } from './daemon.ts'
import { temporaryDirectory } from './directory.ts'
import { freePorts } from './port.ts'

export type Pushgateway = {
  readonly url: string
  /** What Prometheus would scrape of it. */
  metrics(): Promise<string>
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

/** A Pushgateway on loopback that keeps nothing. */
export async function startPushgateway(): Promise<Pushgateway> {
  const dir = await temporaryDirectory('pushgateway')
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const daemon = await startDaemon({
    command: 'prometheus-pushgateway',
    // Debian's keeps what was pushed in a folder of the machine, where no file is named.
    args: [`--web.listen-address=127.0.0.1:${port}`, `--persistence.file=${join(dir.path, 'metrics')}`],
    dir: dir.path,
    ready: async () => (await fetch(`${url}/-/ready`)).ok,
  })
  return {
    url,
    metrics: async () => (await fetch(`${url}/metrics`)).text(),
    freeze: daemon.freeze,
    thaw: daemon.thaw,
    stop: async () => {
      await daemon.stop()
      await dir.remove()
    },
  }
}
