import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

const run = promisify(execFile)
const maxOutputBytes = 16 * 1024 * 1024

export type Docker = {
  /** Path of the engine's socket. */
  readonly socket: string
  /** Unique to this scope. Project name, part of image references, and what the name of all else must begin with. */
  readonly project: string
  /** `KEY=VALUE`: whatever else a test makes carries this label, so that it is removed. */
  readonly label: string
  /** The docker command line's output. Throws with its standard error. */
  docker(...args: string[]): Promise<string>
  /** Makes sure that an image is there, pulling it where it is not. */
  ensureImage(reference: string): Promise<void>
  /** Removes the containers, networks, volumes and images of this scope. */
  stop(): Promise<void>
}

/** A corner of the real engine for one test file. */
export async function startDocker(): Promise<Docker> {
  const project = `fp-test-${randomBytes(4).toString('hex')}`
  const label = `dev.feedplane.test=${project}`
  await docker('version', '--format', '{{.Server.Version}}')
  return { socket: engineSocket(), project, label, docker, ensureImage, stop: () => removeAll(project, label) }
}

/** Path of the Unix socket that DOCKER_HOST names, or the default one. */
const engineSocket = (): string => (process.env.DOCKER_HOST ?? '').replace(/^unix:\/\//, '') || '/var/run/docker.sock'

async function docker(...args: string[]): Promise<string> {
  const { stdout } = await run('docker', args, { maxBuffer: maxOutputBytes })
  return stdout.trim()
}

async function ensureImage(reference: string): Promise<void> {
  await docker('image', 'inspect', reference).catch(() => docker('pull', '--quiet', reference))
}

// Containers first: they hold the others.
async function removeAll(project: string, label: string): Promise<void> {
  const filters = [`label=${label}`, `label=com.docker.compose.project=${project}`, `name=^/?${project}`]
  for (const [list, remove] of kinds) {
    const ids = (await Promise.all(filters.map(filter => docker(...list, '--filter', filter)))).join('\n').split('\n')
    const found = [...new Set(ids)].filter(id => id !== '')
    if (found.length > 0) await docker(...remove, ...found)
  }
  await removeImages(project)
}

// By reference and never by id: the same image may carry somebody else's tag too.
async function removeImages(project: string): Promise<void> {
  const lines = (await docker('image', 'ls', '--digests', '--format', '{{.Repository}} {{.Tag}} {{.Digest}}')).split('\n')
  const references = lines.flatMap(line => {
    const [repository, tag, digest] = line.split(' ')
    const reference = tag === '<none>' ? `${repository}@${digest}` : `${repository}:${tag}`
    return reference.includes(project) ? [reference] : []
  })
  if (references.length > 0) await docker('image', 'rm', '--force', ...references)
}

const kinds: [list: string[], remove: string[]][] = [
  [
    ['ps', '--all', '--quiet', '--no-trunc'],
    ['rm', '--force', '--volumes'],
  ],
  [
    ['network', 'ls', '--quiet', '--no-trunc'],
    ['network', 'rm'],
  ],
  [
    ['volume', 'ls', '--quiet'],
    ['volume', 'rm', '--force'],
  ],
]
