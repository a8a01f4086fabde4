import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { asFault, type Fault, waiting } from '../../../crds/contract/fault.ts'
import type { EngineAddress } from '../../compose/command.ts'
import type { Compose, ComposeDeclaration } from '../../compose/compose.ts'
import { placeOf } from '../../compose/place.ts'
import type { ComposeService } from '../../compose/project.ts'
import { defaultEndpoint } from '../../engines/docker/endpoint.ts'
import type { Declared } from '../../store/declared.ts'
import type { Placement, StackMemory } from '../../store/stack.ts'
import type { FeedPorts } from '../feed/reconcile.ts'
import { concerns } from './checks.ts'
import type { StackStep } from './decision.ts'
import type { Seen, StackInput } from './input.ts'
import { managedOf, reloadSignalOf } from './selection.ts'

export type StackPorts = Pick<FeedPorts, 'clock' | 'store' | 'declared' | 'problems' | 'onEvent' | 'onStatus'> & {
  stacks: StackTools
}

/** What only Stacks need. */
export type StackTools = {
  /** Compose, its calls counted for a host. */
  compose: (host: string) => Compose
  /** Digest of files and folders. */
  configuration: (paths: string[]) => Promise<string>
  /** Has changes in these folders looked at. */
  follow: (folders: string[]) => void
  /** Calls the listener when a Stack's declaration, or a file that one is made from, may have changed. Answers what ends that. */
  onHint: (listener: () => void) => () => void
  onStep: (stack: string, step: StackStep) => void
}

const nothingKnown: StackMemory = { placements: [], accepted: {}, repairs: {}, configurations: {} }

/** Does every read that a decision needs. */
export async function gather(key: string, ports: StackPorts, signal: AbortSignal): Promise<StackInput> {
  const { store, clock } = ports
  const declared = ports.declared.get('Stack', key)
  const memory = withPolicy(store.stacks.get(key) ?? nothingKnown, declared)
  const host = declared && ports.declared.get('Host', hostKeyOf(declared))
  const here = declared && placementIn(memory, declared)
  const others = memory.placements.filter(one => one.host !== here?.host || one.project !== here.project)
  const [version, read, ...seen] = await Promise.all([
    versionOf(declared, ports, signal),
    declared && readServices(declared, ports, signal),
    ...[...(here ? [here] : []), ...others].map(placement => see(placement, ports, signal)),
  ])
  const services = Array.isArray(read) ? read : []
  return {
    ...{ key, declared, memory, host, read, composeVersion: version },
    problems: ports.problems().filter(concerns(key)),
    here: here && seen[0],
    elsewhere: here ? seen.slice(1) : seen,
    configurations: declared ? await configurationsOf(managedOf(services, declared.resource.spec), ports) : {},
    now: clock.now(),
  }
}

/** What Compose is handed for a Stack. */
export function declarationOf({ resource: { spec }, origin }: Declared<'Stack'>): ComposeDeclaration {
  const { project, files, envFile, profiles } = spec
  const beside = (path: string) => resolve(dirname(origin.file), path)
  return { project, files: files.map(beside), envFile: envFile === undefined ? undefined : beside(envFile), profiles }
}

/** How the engine of a host is reached; a Fault where the Host is not known any more. */
export function addressOf(host: string, { declared, store }: Pick<StackPorts, 'declared' | 'store'>): EngineAddress | Fault {
  const { engine } = (declared.get('Host', host) ?? store.declared.retiredHost(host))?.resource.spec ?? {}
  if (engine?.type === 'docker') return { endpoint: engine.endpoint ?? defaultEndpoint, tls: engine.tls }
  return waiting(
    'HostNotFound',
    `Host ${host} is not declared any more, or has no Docker engine: nobody can tell what runs there`,
  )
}

const hostKeyOf = ({ resource: { metadata, spec } }: Declared<'Stack'>): string => `${metadata.namespace}/${spec.hostRef}`

/** Remembered while the Stack is declared, whatever keeps it from being converged: afterwards there is nobody to ask. */
function withPolicy(memory: StackMemory, declared: Declared<'Stack'> | undefined): StackMemory {
  if (!declared) return memory
  const { deletionPolicy } = declared.resource.spec
  return { ...memory, placements: memory.placements.map(placement => ({ ...placement, deletionPolicy })) }
}

function placementIn({ placements }: StackMemory, declared: Declared<'Stack'>): Placement {
  const host = hostKeyOf(declared)
  const { project, deletionPolicy } = declared.resource.spec
  const known = placements.find(one => one.host === host && one.project === project)
  return { host, project, services: known?.services ?? [], deletionPolicy }
}

/** Compose itself that is missing, or too old, is told where the files are read. */
async function versionOf(
  declared: Declared<'Stack'> | undefined,
  { stacks }: StackPorts,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!declared) return undefined
  return stacks
    .compose(hostKeyOf(declared))
    .version(signal)
    .catch(() => undefined)
}

/** What Compose reads from the declared files, or why it cannot. */
export async function readServices(
  declared: Declared<'Stack'>,
  { stacks }: StackPorts,
  signal: AbortSignal,
): Promise<StackInput['read']> {
  const declaration = declarationOf(declared)
  const files = [...declaration.files, ...(declaration.envFile === undefined ? [] : [declaration.envFile])]
  stacks.follow([...new Set(files.map(file => dirname(file)))])
  const compose = stacks.compose(hostKeyOf(declared))
  try {
    await compose.version(signal)
    return await compose.services(declaration, signal)
  } catch (error) {
    const fault = asFault(error)
    const texts = await Promise.all(
      declaration.files.map(async file => ({ file, text: await readFile(file, 'utf8').catch(() => '') })),
    )
    return { fault, place: placeOf(fault.message, texts) }
  }
}

async function see(placement: Placement, ports: StackPorts, signal: AbortSignal): Promise<Seen> {
  const { host, project } = placement
  const engine = addressOf(host, ports)
  if (engine instanceof Error) return { placement, containers: engine }
  try {
    return { placement, containers: await ports.stacks.compose(host).containers(engine, project, signal) }
  } catch (error) {
    return { placement, containers: asFault(error) }
  }
}

async function configurationsOf(services: ComposeService[], { stacks }: StackPorts): Promise<Record<string, string>> {
  const told = services.filter(service => reloadSignalOf(service) !== undefined)
  stacks.follow(told.flatMap(({ binds }) => binds))
  return Object.fromEntries(await Promise.all(told.map(async ({ name, binds }) => [name, await stacks.configuration(binds)])))
}
