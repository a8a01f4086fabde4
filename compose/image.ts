import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '..')
const names = ['feed', 'controller', 'nats'] as const

export type BuiltImage = {
  /** `feedplane/feed:TAG`, behind the registry's host where it was pushed. */
  reference: string
  /** What to deploy by: the registry's `sha256:` digest after a push, else the engine's id of the image. */
  digest: string
  /** Unpacked, with the base image. */
  sizeBytes: number
}

export type BuildOptions = {
  tag: string
  /** Host (and path) of a registry to push to. */
  push?: string | undefined
  /** npm spec of the CTP binding to put into the feed's image. */
  napiCtp?: string | undefined
  /** CA bundle that the package registry's certificate is checked against, beside the usual ones. */
  caFile?: string | undefined
  signal: AbortSignal
}

/**
 * Builds the images of the feed, the controller and NATS with the Docker engine's BuildKit, and pushes them where asked. npm inside
 * the build uses the registry that npm is configured with here; no layer keeps that. Throws where docker does, after its output.
 */
export async function buildImages(options: BuildOptions): Promise<BuiltImage[]> {
  const secrets = await mkdtemp(join(tmpdir(), 'feedplane-build-'))
  try {
    const arguments_ = [...(await npmSecrets(secrets, options)), ...buildArguments(options)]
    const images: BuiltImage[] = []
    for (const name of names) {
      const local = `feedplane/${name}:${options.tag}`
      await docker(['build', '--file', `compose/${name}.Dockerfile`, '--tag', local, ...arguments_, '.'], options.signal)
      images.push(options.push === undefined ? await describe(local) : await push(local, options.push, options.signal))
    }
    return images
  } finally {
    await rm(secrets, { recursive: true, force: true })
  }
}

// The host's network, so that a registry proxy on loopback is reached as npm reaches it here.
function buildArguments({ tag, napiCtp }: BuildOptions): string[] {
  const ctp = napiCtp === undefined ? [] : ['--build-arg', `NAPI_CTP=${napiCtp}`]
  return ['--network', 'host', '--build-arg', `VERSION=${tag}`, ...ctp]
}

async function npmSecrets(dir: string, { caFile, signal }: BuildOptions): Promise<string[]> {
  const { stdout } = await run('npm', ['config', 'get', 'registry'], { cwd: root, signal })
  const npmrc = join(dir, 'npmrc')
  const lines = [`registry=${stdout.trim()}`, ...(caFile === undefined ? [] : ['cafile=/run/secrets/ca'])]
  await writeFile(npmrc, `${lines.join('\n')}\n`, { mode: 0o600 })
  return ['--secret', `id=npmrc,src=${npmrc}`, ...(caFile === undefined ? [] : ['--secret', `id=ca,src=${caFile}`])]
}

async function push(local: string, registry: string, signal: AbortSignal): Promise<BuiltImage> {
  const remote = `${registry}/${local}`
  await docker(['tag', local, remote], signal)
  await docker(['push', '--quiet', remote], signal)
  return describe(remote)
}

async function describe(reference: string): Promise<BuiltImage> {
  const { stdout } = await run('docker', ['image', 'inspect', reference])
  const [image] = JSON.parse(stdout) as [{ Id: string; RepoDigests: string[]; Size: number }]
  const repository = reference.slice(0, reference.lastIndexOf(':'))
  const pushed = image.RepoDigests.find(digest => digest.startsWith(`${repository}@`))
  return { reference, digest: pushed?.slice(repository.length + 1) ?? image.Id, sizeBytes: image.Size }
}

// Its output is progress and goes to standard error: standard output is for the result.
async function docker(args: string[], signal: AbortSignal): Promise<void> {
  const child = spawn('docker', args, {
    cwd: root,
    env: { ...process.env, DOCKER_BUILDKIT: '1' },
    stdio: ['ignore', 2, 2],
    signal,
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0)
    throw new Error(`docker ${args[0]} failed${code === null ? '' : ` with exit code ${code}`}; its output is above`)
}
