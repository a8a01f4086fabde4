import { dirname } from 'node:path'
import { asFault, stalled } from '../../crds/contract/fault.ts'
import { type DockerCommand, dockerCommand, type EngineAddress } from './command.ts'
import { type ComposeContainer, containersOf, listContainers } from './container.ts'
import { CommandFailed, engineFault, fileFault } from './failure.ts'
import { type ComposeService, servicesOf } from './project.ts'

/** What a Stack hands to Compose. Paths are absolute. */
export type ComposeDeclaration = {
  project: string
  files: string[]
  envFile?: string | undefined
  profiles?: string[] | undefined
}

/** One call of the docker command that has ended. */
export type ComposeCall = { name: string; kind: 'read' | 'write'; failure: string | undefined }

/**
 * Docker Compose, by its own command. Reading the declared files needs no engine, and its failures are stalled Faults: `ComposeFileInvalid`,
 * `ComposeFileUnreadable`, `ComposeVariableMissing`. All else fails as an engine does.
 */
export type Compose = {
  /** `2.26.1`. Throws stalled `ComposeMissing`, `ComposeTooOld`. */
  version(signal: AbortSignal): Promise<string>
  services(declaration: ComposeDeclaration, signal: AbortSignal): Promise<ComposeService[]>
  /** Forgets what was read of declared files, one of which has changed. */
  reread(): void
  containers(engine: EngineAddress, project: string, signal: AbortSignal): Promise<ComposeContainer[]>
  /** Brings these services, and what they depend on, to what is declared; does not wait for their health. */
  up(
    engine: EngineAddress,
    declaration: ComposeDeclaration,
    services: string[],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<void>
  restart(engine: EngineAddress, containers: ComposeContainer[], signal: AbortSignal): Promise<void>
  /** Sends a signal to the first process of each. */
  signal(engine: EngineAddress, containers: ComposeContainer[], name: string, signal: AbortSignal): Promise<void>
  /** Stops them, each within the grace time that it was made with, and removes them. Named volumes stay. */
  remove(engine: EngineAddress, containers: ComposeContainer[], signal: AbortSignal): Promise<void>
  /** Removes the project's networks that nothing is on. */
  removeNetworks(engine: EngineAddress, project: string, signal: AbortSignal): Promise<void>
}

const oldest = [2, 24] as const

/** Deadlines in ms: of a read, and of a change that lets containers end in peace. */
const readMs = 30_000
const changeMs = 150_000

/** How long what Compose read is believed, in ms, where no event told that a file has changed: it may include files that nobody watches. */
const believedMs = 60_000

/** Variables that a machine's own environment gives to Compose files, and no others: those of an environment are in its env file. */
const machineVariables = ['FEEDPLANE_HOME', 'FEEDPLANE_SECRETS', 'DOCKER_GID', 'DOCKER_SOCKET'] as const

export type ComposeOptions = {
  /** The controller's own. */
  environment: NodeJS.ProcessEnv
  /** Docker's `config.json` with registry logins. */
  dockerConfigFile: string | undefined
  onCall: (call: ComposeCall) => void
  now?: () => number
}

export function openCompose(options: ComposeOptions): Compose {
  const run = counted(dockerCommand(environmentOf(options)), options.onCall)
  const { now = () => performance.now() } = options
  const read = new Map<string, { at: number; services: ComposeService[] }>()
  let known: string | undefined
  const version = async (signal: AbortSignal) => {
    known ??= await askVersion(run, signal)
    return known
  }
  return {
    version,
    reread: () => read.clear(),
    async services(declaration, signal) {
      const id = JSON.stringify(declaration)
      const before = read.get(id)
      if (before && now() - before.at < believedMs) return before.services
      read.delete(id)
      const at = now()
      const services = await readServices(run, declaration, signal)
      read.set(id, { at, services })
      return services
    },
    async containers(engine, project, signal) {
      const ids = await run(engine, reading('list the containers', listContainers(project), signal))
      if (ids.trim() === '') return []
      const args = ['container', 'inspect', ...ids.trim().split('\n')]
      return containersOf(await run(engine, reading('inspect the containers', args, signal)))
    },
    async up(engine, declaration, services, timeoutMs, signal) {
      const args = [...composeArgs(declaration), 'up', '--detach', '--no-build', '--quiet-pull', ...services]
      await run(engine, { name: 'compose up', kind: 'write', what: `bring ${services.join(', ')} up`, args, timeoutMs, signal })
    },
    restart: (engine, containers, signal) => change(run, engine, ['restart'], containers, signal),
    signal: (engine, containers, name, signal) => change(run, engine, ['kill', '--signal', name], containers, signal),
    async remove(engine, containers, signal) {
      await change(run, engine, ['stop'], containers, signal)
      await change(run, engine, ['rm', '--force'], containers, signal)
    },
    removeNetworks: (engine, project, signal) => removeNetworks(run, engine, project, signal),
  }
}

/** `name`, such as `compose up`, and whether it writes are for the metrics. */
type Counted = Parameters<DockerCommand>[1] & { name: string; kind: ComposeCall['kind'] }
type Run = (engine: EngineAddress, command: Counted) => Promise<string>

function counted(run: DockerCommand, onCall: (call: ComposeCall) => void): Run {
  return async (engine, { name, kind, ...command }) => {
    try {
      const output = await run(engine, command)
      onCall({ name, kind, failure: undefined })
      return output
    } catch (error) {
      const fault = engineFault(command.what, error)
      onCall({ name, kind, failure: fault.reason })
      throw fault
    }
  }
}

function environmentOf({ environment, dockerConfigFile }: ComposeOptions): Record<string, string> {
  const { PATH = '/usr/local/bin:/usr/bin:/bin', HOME = '/' } = environment
  const given = machineVariables.flatMap(name => (environment[name] ? [[name, environment[name]]] : []))
  return { PATH, HOME, ...(dockerConfigFile && { DOCKER_CONFIG: dirname(dockerConfigFile) }), ...Object.fromEntries(given) }
}

const reading = (what: string, args: string[], signal: AbortSignal): Counted => ({
  ...{ name: args.slice(0, 2).join(' '), kind: 'read', what, args, timeoutMs: readMs, signal },
})

/** The engine is not asked for it; any address will do. */
const noEngine: EngineAddress = { endpoint: 'unix:///var/run/docker.sock' }

async function askVersion(run: Run, signal: AbortSignal): Promise<string> {
  const text = (await run(noEngine, reading('tell the version of Compose', ['compose', 'version', '--short'], signal))).trim()
  const [, major = 0, minor = 0] = /(\d+)\.(\d+)/.exec(text)?.map(Number) ?? []
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return text.replace(/^v/, '')
  throw stalled('ComposeTooOld', `this is Docker Compose ${text}, and ${oldest.join('.')} or newer is needed: upgrade it`)
}

function composeArgs({ project, files, envFile, profiles = [] }: ComposeDeclaration): string[] {
  return [
    ...['compose', '--progress', 'quiet', '--project-name', project],
    ...files.flatMap(file => ['--file', file]),
    ...(envFile === undefined ? [] : ['--env-file', envFile]),
    ...profiles.flatMap(profile => ['--profile', profile]),
  ]
}

async function readServices(run: Run, declaration: ComposeDeclaration, signal: AbortSignal): Promise<ComposeService[]> {
  const ask = (...how: string[]) =>
    run(noEngine, {
      ...reading('read the declared files', [...composeArgs(declaration), 'config', ...how], signal),
      name: 'compose config',
    })
  try {
    const [json, hashes] = await Promise.all([ask('--format', 'json'), ask('--hash', '*')])
    return servicesOf(json, hashes)
  } catch (error) {
    const { cause } = asFault(error)
    throw cause instanceof CommandFailed ? fileFault(cause) : error
  }
}

async function change(
  run: Run,
  engine: EngineAddress,
  verb: string[],
  containers: ComposeContainer[],
  signal: AbortSignal,
): Promise<void> {
  if (containers.length === 0) return
  const what = `${verb[0]} ${containers.map(({ name }) => name).join(', ')}`
  const args = ['container', ...verb, ...containers.map(({ id }) => id)]
  await run(engine, { name: `container ${verb[0]}`, kind: 'write', what, args, timeoutMs: changeMs, signal })
}

async function removeNetworks(run: Run, engine: EngineAddress, project: string, signal: AbortSignal): Promise<void> {
  const filter = ['--filter', `label=com.docker.compose.project=${project}`]
  const list = ['network', 'ls', '--quiet', '--no-trunc', ...filter]
  const ids = (await run(engine, reading('list the networks', list, signal))).split('\n').filter(id => id !== '')
  for (const id of ids) {
    const args = ['network', 'inspect', '--format', '{{len .Containers}}', id]
    const used = await run(engine, reading('inspect the networks', args, signal))
    if (used.trim() !== '0') continue
    const remove = { name: 'network rm', what: 'remove a network', args: ['network', 'rm', id], timeoutMs: readMs, signal }
    await run(engine, { ...remove, kind: 'write' })
  }
}
