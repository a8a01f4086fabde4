import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startDaemon } from './daemon.ts'
import { temporaryDirectory } from './directory.ts'
import { freePorts } from './port.ts'

export type Registry = {
  /** What an image reference begins with: `127.0.0.1:PORT`. Docker trusts loopback registries without TLS. */
  readonly host: string
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
  freeze(): void
  thaw(): void
}

export type RegistryOptions = { user?: string; password?: string }

/** An image registry on loopback, empty, that allows deletion; with a user it asks for that login (HTTP basic). */
export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const dir = await temporaryDirectory('registry')
  const [port = 0] = await freePorts(1)
  const host = `127.0.0.1:${port}`
  const config = join(dir.path, 'config.json')
  const passwords = options.user === undefined ? undefined : await passwordFile(dir.path, options)
  await writeFile(config, JSON.stringify(configOf(host, join(dir.path, 'store'), passwords)))
  const daemon = await startDaemon({
    command: 'docker-registry',
    args: ['serve', config],
    dir: dir.path,
    ready: () => answers(`http://${host}/v2/`),
  })
  const stop = async () => {
    await daemon.stop()
    await dir.remove()
  }
  return { host, url: `http://${host}`, pid: daemon.pid, stop, freeze: daemon.freeze, thaw: daemon.thaw }
}

function configOf(address: string, store: string, passwords: string | undefined): object {
  return {
    version: 0.1,
    storage: { filesystem: { rootdirectory: store }, delete: { enabled: true } },
    http: { addr: address },
    ...(passwords === undefined ? {} : { auth: { htpasswd: { realm: 'feedplane-test', path: passwords } } }),
  }
}

// bcrypt is the only hash that the registry takes. The password goes in by standard input.
async function passwordFile(dir: string, { user = '', password = '' }: RegistryOptions): Promise<string> {
  const path = join(dir, 'htpasswd')
  const line = await new Promise<string>((resolve, reject) => {
    const child = execFile('htpasswd', ['-niB', user], (error, stdout) => (error ? reject(error) : resolve(stdout)))
    child.stdin?.end(password)
  })
  await writeFile(path, line.trim(), { mode: 0o600 })
  return path
}

const answers = async (url: string): Promise<boolean> => [200, 401].includes((await fetch(url)).status)
