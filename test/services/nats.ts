import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Daemon, startDaemon } from './daemon.ts'
import { temporaryDirectory } from './directory.ts'
import { freePorts } from './port.ts'

export type Nats = {
  /** `nats://127.0.0.1:PORT`, the same after a `restart`. */
  readonly url: string
  readonly port: number
  /** The monitoring endpoint: `/varz`, `/connz`, `/jsz`. */
  readonly monitorUrl: string
  readonly pid: number
  /** Ends it gracefully and removes its store. */
  stop(): Promise<void>
  /** Ends it with SIGKILL; port and store stay for `restart`. */
  kill(): Promise<void>
  /** Starts it again on the same port and store, after a `kill` or in place of the running one. */
  restart(): Promise<void>
  freeze(): void
  thaw(): void
}

export type NatsOptions = {
  token?: string
  user?: string
  password?: string
  /** What the user may publish and subscribe to; everything where it is left out. */
  permissions?: { publish: string[]; subscribe: string[] }
  isWithoutJetStream?: boolean
  /** Bytes; the server's own limit is 1 MiB. */
  maxPayload?: number
  /** Settings for a whole market's subjects, as docs/concepts/publishing.md advises. */
  isForMarket?: boolean
}

/** A NATS server with JetStream on loopback ports of its own. */
export async function startNats(options: NatsOptions = {}): Promise<Nats> {
  const dir = await temporaryDirectory('nats')
  const [port = 0, monitorPort = 0] = await freePorts(2)
  const monitorUrl = `http://127.0.0.1:${monitorPort}`
  const config = join(dir.path, 'nats.json')
  await writeFile(config, JSON.stringify(configOf(options, { port, monitorPort, store: join(dir.path, 'store') })), {
    mode: 0o600,
  })
  const env = options.isForMarket ? { GOGC: process.env.GOGC ?? '400' } : {}
  const start = () =>
    startDaemon({ command: 'nats-server', args: ['-c', config], dir: dir.path, env, ready: () => isHealthy(monitorUrl) })
  let daemon = await start()
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    monitorUrl,
    get pid() {
      return daemon.pid
    },
    stop: () => stopAndRemove(daemon, dir),
    kill: () => daemon.kill(),
    restart: async () => {
      await daemon.stop()
      daemon = await start()
    },
    freeze: () => daemon.freeze(),
    thaw: () => daemon.thaw(),
  }
}

// The server reads JSON as a case of its own format. Secrets stay in this file and out of the arguments.
function configOf(options: NatsOptions, place: { port: number; monitorPort: number; store: string }): object {
  const { token, user, password, permissions, isWithoutJetStream, maxPayload, isForMarket } = options
  return {
    listen: `127.0.0.1:${place.port}`,
    http: `127.0.0.1:${place.monitorPort}`,
    ...(isWithoutJetStream ? {} : { jetstream: { store_dir: place.store } }),
    ...(maxPayload === undefined ? {} : { max_payload: maxPayload }),
    ...(isForMarket ? { disable_sublist_cache: true } : {}),
    ...(token === undefined ? {} : { authorization: { token } }),
    ...(user === undefined ? {} : { authorization: { users: [{ user, password, permissions }] } }),
  }
}

const isHealthy = async (monitorUrl: string): Promise<boolean> => (await fetch(`${monitorUrl}/healthz`)).ok

async function stopAndRemove(daemon: Daemon, dir: { remove(): Promise<void> }): Promise<void> {
  await daemon.stop()
  await dir.remove()
}
