import { accounts } from '../../../crds/contract/desired.ts'
import { keyedDigestOf } from '../../../crds/contract/digest.ts'
import { asFault, waiting } from '../../../crds/contract/fault.ts'
import type { Catalogues } from '../../consistency/catalogue.ts'
import { type Resolution, resolveInstruments } from '../../consistency/instruments.ts'
import { labels, type Workload } from '../../engines/engine.ts'
import type { PullRequest } from '../../engines/puller.ts'
import type { HostEngine } from '../../engines/registry.ts'
import type { Problem } from '../../sources/problem.ts'
import type { Declared } from '../../store/declared.ts'
import { aimOf, attemptOf } from './aim.ts'
import {
  type EngineView,
  type FeedInput,
  findRevision,
  findWorkload,
  type ImageView,
  type ReportView,
  type SecretOwner,
} from './input.ts'
import type { ReadPorts, TokenOf } from './ports.ts'
import { containerName, ownerOf } from './workload.ts'

/** Does every read that a decision needs. Absence is `undefined`; an engine or feed that does not answer is a fault in its place. */
export async function gather(key: string, ports: ReadPorts, tokenOf: TokenOf, signal: AbortSignal): Promise<FeedInput> {
  const references = lookUp(key, ports)
  const memory = ports.store.memory.get(key) ?? { epoch: 0, requests: {} }
  const hosts = [references.declared?.resource.spec.hostRef, memory.serving?.host].filter(name => name !== undefined)
  const [secrets, resolution, views] = await Promise.all([
    readSecrets(references.credentials, ports),
    resolve(references.sets, ports),
    viewEngines(key, hosts, ports, signal),
  ])
  const input: FeedInput = {
    now: ports.clock.now(),
    key,
    ...references,
    secrets,
    resolution,
    memory,
    revisions: ports.store.revisions.list(key),
    engines: views,
    image: { state: 'absent' },
    reports: [],
    status: ports.store.status.get('Feed', key) ?? {},
  }
  return withImage({ ...input, reports: await askFeeds(input, ports, tokenOf, signal) }, ports, signal)
}

type References = Pick<FeedInput, 'declared' | 'host' | 'profile' | 'credentials' | 'sets' | 'problems' | 'sourceProblems'>

function lookUp(key: string, { declared: store, problems }: ReadPorts): References {
  const declared = store.get('Feed', key)
  const [namespace = '', name = ''] = key.split('/')
  const spec = declared?.resource.spec
  const find = <K extends 'Host' | 'FeedProfile' | 'Credentials' | 'SubscriptionSet'>(kind: K, target: string | undefined) =>
    target === undefined ? undefined : store.get(kind, `${namespace}/${target}`)
  const profile = find('FeedProfile', spec?.profileRef)
  const named: [SecretOwner, string | undefined][] = [
    ...accounts.map((account): [SecretOwner, string | undefined] => [account, spec?.credentials[account]]),
    ['nats', profile?.resource.spec.publish.credentialsRef],
  ]
  const credentials = Object.fromEntries(
    named.flatMap(([owner, target]) => [[owner, find('Credentials', target)]]).filter(([, found]) => found !== undefined),
  ) as References['credentials']
  const host = find('Host', spec?.hostRef)
  const sets = (spec?.subscriptions ?? []).flatMap(target => find('SubscriptionSet', target) ?? [])
  const all = problems()
  const concerned: (Declared | undefined)[] = [declared, host, profile, ...Object.values(credentials), ...sets]
  const ids = new Set(
    concerned.flatMap(object =>
      object ? [`${object.resource.kind}/${object.resource.metadata.namespace}/${object.resource.metadata.name}`] : [],
    ),
  )
  const files = new Set(concerned.flatMap(object => (object ? [object.origin.file] : [])))
  return {
    declared,
    host,
    profile,
    credentials,
    sets,
    problems: all.filter(
      problem =>
        isBetweenObjects(problem) && ids.has(`${problem.kind}/${problem.namespace ?? namespace}/${problem.name ?? name}`),
    ),
    sourceProblems: all.filter(problem => !isBetweenObjects(problem) && problem.severity === 'error' && files.has(problem.file)),
  }
}

/** Such a problem is about what the objects say to each other; any other one about the file, whose last good objects stay in force. */
function isBetweenObjects({ category }: Problem): boolean {
  return category === 'reference' || category === 'consistency'
}

async function readSecrets(credentials: FeedInput['credentials'], { secrets, store }: ReadPorts): Promise<FeedInput['secrets']> {
  const read = async (owner: string, declared: Declared<'Credentials'>) => {
    try {
      return [owner, { digest: keyedDigestOf(store.installation.digestKey, await secrets(declared)) }] as const
    } catch (error) {
      return [owner, { fault: asFault(error) }] as const
    }
  }
  return Object.fromEntries(await Promise.all(Object.entries(credentials).map(([owner, declared]) => read(owner, declared))))
}

type Resolved = { sets: object[]; catalogues: Catalogues; resolution: Resolution }
const resolved = new Map<string, Resolved>()

/** Resolving 20,000 instruments takes longer than everything else here, so it happens once per set of inputs. */
async function resolve(sets: Declared<'SubscriptionSet'>[], { catalogues: load }: ReadPorts): Promise<Resolution | undefined> {
  if (sets.length === 0) return undefined
  const specs = sets.map(({ resource }) => resource.spec)
  const catalogues = await load([...new Set(specs.map(spec => spec.catalogue))])
  const id = sets.map(({ resource }) => `${resource.metadata.namespace}/${resource.metadata.name}`).join(' ')
  const known = resolved.get(id)
  if (
    known &&
    [...catalogues].every(([name, catalogue]) => known.catalogues.get(name) === catalogue) &&
    known.sets.every((spec, index) => spec === specs[index])
  )
    return known.resolution
  const resolution = resolveInstruments(specs, catalogues)
  resolved.set(id, { sets: specs, catalogues, resolution })
  return resolution
}

async function viewEngines(
  key: string,
  hosts: string[],
  ports: ReadPorts,
  signal: AbortSignal,
): Promise<Map<string, EngineView>> {
  const namespace = key.split('/')[0] ?? ''
  const names = [...new Set(hosts)]
  return new Map(
    await Promise.all(names.map(async host => [host, await viewEngine(key, `${namespace}/${host}`, ports, signal)] as const)),
  )
}

async function viewEngine(key: string, hostKey: string, ports: ReadPorts, signal: AbortSignal): Promise<EngineView> {
  try {
    const workloads = await (await engineOf(hostKey, ports)).workloads(signal)
    return {
      fault: undefined,
      workloads: workloads.filter(workload => workload.labels[labels.owner] === ownerOf(key)),
      stranger: undefined,
    }
  } catch (error) {
    return { fault: asFault(error), workloads: [], stranger: undefined }
  }
}

/** The engine of a host, declared or remembered. Throws a waiting Fault `HostNotFound`. */
export async function engineOf(
  hostKey: string,
  { declared, engines }: Pick<ReadPorts, 'declared' | 'engines'>,
): Promise<HostEngine> {
  const host = declared.get('Host', hostKey)
  const engine = await (host ? engines.of(host) : engines.known(hostKey))
  if (engine) return engine
  throw waiting('HostNotFound', `Host ${hostKey} is not declared, so nobody can tell what runs there: declare it again`)
}

async function askFeeds(input: FeedInput, { feeds }: ReadPorts, tokenOf: TokenOf, signal: AbortSignal): Promise<ReportView[]> {
  const containers = new Set([input.memory.serving?.container, input.memory.rollout?.container])
  const reachable = [...containers]
    .flatMap(name => (name === undefined ? [] : (findWorkload(input, name) ?? [])))
    .filter((workload): workload is Workload & { endpoint: string } => workload.endpoint !== undefined)
  return Promise.all(
    reachable.map(async ({ name, endpoint }) => {
      try {
        return { container: name, report: await feeds.report(endpoint, tokenOf(input.key), signal) }
      } catch (error) {
        return { container: name, fault: asFault(error) }
      }
    }),
  )
}

/** The image is looked for only while a container has to be made from it. */
async function withImage(input: FeedInput, ports: ReadPorts, signal: AbortSignal): Promise<FeedInput> {
  if (!input.declared || [...input.engines.values()].some(view => view.fault)) return input
  const { revision } = aimOf(input)
  const { serving, rollout } = input.memory
  const making = rollout?.phase === 'reverting' ? findRevision(input, serving?.revision) : revision
  if (!making) return input
  const settled = serving?.revision === making.number && rollout === undefined && findWorkload(input, serving.container)
  if (settled) return input
  const [namespace] = input.key.split('/')
  const hostKey = `${namespace}/${making.snapshot.hostRef}`
  const reference = making.imageDigest ?? making.snapshot.image
  try {
    const host = await engineOf(hostKey, ports)
    const [image, holder] = await Promise.all([
      viewImage({ hostKey, reference, attempt: attemptOf(input, making) }, host, input, ports, signal),
      host.engine.inspect(containerName(input.key, making.number), signal),
    ])
    const view = input.engines.get(making.snapshot.hostRef)
    const stranger = holder && holder.labels[labels.owner] !== ownerOf(input.key) ? holder : undefined
    return {
      ...input,
      image,
      engines: new Map([...input.engines, ...(view ? [[making.snapshot.hostRef, { ...view, stranger }] as const] : [])]),
    }
  } catch (error) {
    return {
      ...input,
      engines: new Map([
        ...input.engines,
        [making.snapshot.hostRef, { fault: asFault(error), workloads: [], stranger: undefined }],
      ]),
    }
  }
}

async function viewImage(
  request: PullRequest,
  { engine }: HostEngine,
  input: FeedInput,
  { images }: ReadPorts,
  signal: AbortSignal,
): Promise<ImageView> {
  const { reference } = request
  const pull = images.state(request)
  if (pull.state === 'pulled') return { state: 'present', image: pull.image }
  if (pull.state === 'pulling' || pull.state === 'failed') return pull
  const policy = input.declared?.resource.spec.imagePullPolicy
  const image = policy === 'Always' && !reference.includes('@') ? undefined : await engine.findImage(reference, signal)
  if (image) return { state: 'present', image }
  if (policy !== 'Never') return { state: 'absent' }
  const fault = waiting('ImageNotPresent', `${reference} is not on the host and imagePullPolicy is Never: load it there`)
  return { state: 'failed', fault }
}
