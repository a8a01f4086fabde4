import { accounts } from '../../../crds/contract/desired.ts'
import { asFault, waiting } from '../../../crds/contract/fault.ts'
import type { FeedReport } from '../../../crds/contract/feedstatus.ts'
import type { Catalogues } from '../../consistency/catalogue.ts'
import { type Resolution, resolveInstruments } from '../../consistency/instruments.ts'
import { labels, type Workload } from '../../engines/engine.ts'
import type { PullRequest } from '../../engines/puller.ts'
import type { HostEngine } from '../../engines/registry.ts'
import type { Problem } from '../../sources/problem.ts'
import type { Declared } from '../../store/declared.ts'
import type { FeedMemory } from '../../store/memory.ts'
import type { Revision } from '../../store/revision.ts'
import { aimOf, attemptOf, newRequest } from './aim.ts'
import { drillingOf } from './drilling.ts'
import { heardUntil } from './feedevents.ts'
import { viewFronts } from './fronts.ts'
import {
  busCredentialsRef,
  type EngineView,
  type FeedInput,
  findRevision,
  findWorkload,
  type ImageView,
  type ReportView,
  type SecretOwner,
} from './input.ts'
import type { ReadPorts, TokenOf } from './ports.ts'
import { isLive, startsFromNothing } from './preflight.ts'
import { viewSecrets } from './secretview.ts'
import { containerName, ownerOf, processDigest } from './workload.ts'

/** Does every read that a decision needs. Absence is `undefined`; an engine or feed that does not answer is a fault in its place. */
export async function gather(key: string, ports: ReadPorts, tokenOf: TokenOf, signal: AbortSignal): Promise<FeedInput> {
  const { store } = ports
  const revisions = store.revisions.list(key)
  const references = lookUp(key, revisions, ports)
  const memory = store.memory.get(key) ?? { epoch: store.memory.lastEpoch(key), hosts: [], requests: {} }
  const hosts = [...hostsOf(references.declared, memory, revisions), ...holders(key, ports)]
  const [secrets, resolution, views] = await Promise.all([
    viewSecrets(references.credentials, memory, ports),
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
    drilling: drillingOf(key, store.drills),
    revisions,
    engines: views,
    images: new Map(),
    strangers: [],
    reports: [],
    preflight: undefined,
    status: store.status.get('Feed', key) ?? {},
  }
  const [reports, preflight] = await Promise.all([askFeeds(input, ports, tokenOf, signal), viewPreflight(input, ports, signal)])
  return withMaking({ ...input, reports, preflight }, ports, signal)
}

/** Only where the answer may keep a live feed from being started; an engine elsewhere may reach what we do not. */
async function viewPreflight(input: FeedInput, ports: ReadPorts, signal: AbortSignal): Promise<FeedInput['preflight']> {
  const { declared, profile, host, credentials } = input
  if (!startsFromNothing(input) || declared?.resource.spec.preflight === 'Advisory') return undefined
  const gateway = aimOf(input).revision?.snapshot.launch.gateway ?? profile?.resource.spec.gateway
  if (!gateway || !isLive(gateway)) return undefined
  const isElsewhere = host?.resource.spec.engine.endpoint?.startsWith('tcp:')
  return { fronts: isElsewhere ? [] : await viewFronts(gateway, credentials, ports, signal) }
}

/** Hosts on which something of the feed runs, may run or shall run. */
function hostsOf(
  declared: Declared<'Feed'> | undefined,
  { serving, rollout, hosts }: FeedMemory,
  revisions: Revision[],
): string[] {
  const numbers = [rollout?.revision, declared?.resource.spec.revision]
  const made = revisions.filter(({ number }) => numbers.includes(number)).map(({ snapshot }) => snapshot.hostRef)
  return [declared?.resource.spec.hostRef, serving?.host, ...hosts, ...made].filter(name => name !== undefined)
}

/** Hosts on which something of the feed is, whoever knew of it: a creation that hung may come after its host was forgotten, or the feed. */
function holders(key: string, { engines }: ReadPorts): string[] {
  const [namespace] = key.split('/')
  return engines
    .holding(ownerOf(key))
    .filter(hostKey => hostKey.startsWith(`${namespace}/`))
    .map(hostKey => hostKey.slice(`${namespace}/`.length))
}

type References = Pick<FeedInput, 'declared' | 'host' | 'profile' | 'credentials' | 'sets' | 'problems' | 'sourceProblems'>

function lookUp(key: string, revisions: Revision[], { declared: store, problems }: ReadPorts): References {
  const declared = store.get('Feed', key)
  const [namespace = '', name = ''] = key.split('/')
  const spec = declared?.resource.spec
  const find = <K extends 'Host' | 'FeedProfile' | 'Credentials' | 'SubscriptionSet'>(kind: K, target: string | undefined) =>
    target === undefined ? undefined : store.get(kind, `${namespace}/${target}`)
  const profile = find('FeedProfile', spec?.profileRef)
  const named: [SecretOwner, string | undefined][] = [
    ...accounts.map((account): [SecretOwner, string | undefined] => [account, spec?.credentials[account]]),
    ['nats', busCredentialsRef({ declared, profile, revisions })],
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
    sourceProblems: all.filter(problem => {
      if (problem.category === 'deletion') return ids.has(`${problem.kind}/${problem.namespace}/${problem.name}`)
      return !isBetweenObjects(problem) && problem.severity === 'error' && files.has(problem.file)
    }),
  }
}

/** Such a problem is about what the objects say to each other; any other one about the file, whose last good objects stay in force. */
function isBetweenObjects({ category }: Problem): boolean {
  return category === 'reference' || category === 'consistency'
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
  const declared = ports.declared.get('Host', hostKey) !== undefined
  try {
    const workloads = await (await engineOf(hostKey, ports)).workloads(signal)
    return { fault: undefined, declared, workloads: workloads.filter(({ owner }) => owner === ownerOf(key)) }
  } catch (error) {
    return { fault: asFault(error), declared, workloads: [] }
  }
}

type Hosts = Pick<ReadPorts, 'declared' | 'store'>

/** A host as it is declared, or as it was declared last. */
export function hostOf(hostKey: string, { declared, store }: Hosts): Declared<'Host'> | undefined {
  return declared.get('Host', hostKey) ?? store.declared.retiredHost(hostKey)
}

/** The engine of a host, declared or remembered. Throws a waiting Fault `HostNotFound`. */
export async function engineOf(hostKey: string, ports: Hosts & Pick<ReadPorts, 'engines'>): Promise<HostEngine> {
  const host = hostOf(hostKey, ports)
  if (host) return ports.engines.of(host)
  throw waiting('HostNotFound', `Host ${hostKey} is not declared, so nobody can tell what runs there: declare it again`)
}

async function askFeeds(input: FeedInput, { feeds }: ReadPorts, tokenOf: TokenOf, signal: AbortSignal): Promise<ReportView[]> {
  if (!input.declared) return []
  const containers = new Set([input.memory.serving?.container, input.memory.rollout?.container])
  const reachable = [...containers]
    .flatMap(name => (name === undefined ? [] : (findWorkload(input, name) ?? [])))
    .filter((workload): workload is Workload & { endpoint: string } => workload.endpoint !== undefined)
  // What is not heard now is heard at the next look.
  const newEvents = async (container: string, endpoint: string, report: FeedReport) => {
    const after = heardUntil(input.memory, { container, report })
    if ((report.lastEvent ?? 0) <= after) return {}
    return feeds.events(endpoint, tokenOf(input.key), after, signal).then(
      events => ({ events }),
      () => ({}),
    )
  }
  return Promise.all(
    reachable.map(async ({ name, endpoint }) => {
      try {
        const report = await feeds.report(endpoint, tokenOf(input.key), signal)
        return { container: name, report, ...(await newEvents(name, endpoint, report)) }
      } catch (error) {
        return { container: name, fault: asFault(error) }
      }
    }),
  )
}

/** Images and strangers are looked for only where a container has to be made, which is never while all is well. */
async function withMaking(input: FeedInput, ports: ReadPorts, signal: AbortSignal): Promise<FeedInput> {
  if (!input.declared) return input
  const seen = placesToMake(input).filter(({ revision }) => input.engines.get(revision.snapshot.hostRef)?.fault === undefined)
  const looks = await Promise.all(seen.map(place => lookAtPlace(place, input, ports, signal)))
  return {
    ...input,
    images: new Map(looks.map(({ number, image }) => [number, image])),
    strangers: looks.flatMap(({ stranger }) => stranger ?? []),
  }
}

type Place = { revision: Revision; container: string }

/** Where a container is missing, was never started or is another one than it should be, and where a rollout begins. */
function placesToMake(input: FeedInput): Place[] {
  const { serving, rollout } = input.memory
  const { revision: aimed } = aimOf(input)
  const named: [Revision | undefined, string | undefined][] = [
    [findRevision(input, serving?.revision), serving?.container],
    [findRevision(input, rollout?.revision), rollout?.container],
    [aimed, aimed && containerName(input.key, aimed.number)],
  ]
  const places = new Map<number, Place>()
  for (const [revision, container] of named)
    if (revision && container !== undefined && !places.has(revision.number)) places.set(revision.number, { revision, container })
  const isSought = (place: Place) => place.revision.number === aimed?.number && isPrepared(input, place.revision)
  return [...places.values()].filter(place => !isMade(findWorkload(input, place.container), place.revision) || isSought(place))
}

/** A rollout looks for its image before anything else, even where an earlier try has left a container. */
function isPrepared(input: FeedInput, { number }: Revision): boolean {
  const { serving, rollout } = input.memory
  if (serving?.revision === number) return false
  return rollout?.revision !== number || rollout.phase === 'preparing' || newRequest(input, 'retry') !== undefined
}

function isMade(workload: Workload | undefined, revision: Revision): boolean {
  if (!workload || workload.state === 'created') return false
  return workload.labels[labels.specDigest] === processDigest(revision)
}

type PlaceView = { number: number; image: ImageView; stranger: Workload | undefined }

async function lookAtPlace(
  { revision, container }: Place,
  input: FeedInput,
  ports: ReadPorts,
  signal: AbortSignal,
): Promise<PlaceView> {
  const { number, snapshot, imageDigest } = revision
  const hostKey = `${input.key.split('/')[0]}/${snapshot.hostRef}`
  const request = { hostKey, reference: imageDigest ?? snapshot.image, attempt: attemptOf(input, revision) }
  try {
    const host = await engineOf(hostKey, ports)
    const [image, holder] = await Promise.all([
      viewImage(request, host, input, ports, signal),
      host.engine.inspect(container, signal),
    ])
    return { number, image, stranger: holder && holder.owner !== ownerOf(input.key) ? holder : undefined }
  } catch (error) {
    return { number, image: { state: 'failed', fault: asFault(error) }, stranger: undefined }
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
  if (pull.state === 'pulling' || pull.state === 'failed') return pull
  const policy = input.declared?.resource.spec.imagePullPolicy
  const asksAgain = policy === 'Always' && !reference.includes('@') && pull.state !== 'pulled'
  // What was pulled may have been pruned since.
  const wanted = pull.state === 'pulled' ? pull.image.digest : reference
  const image = asksAgain ? undefined : await engine.findImage(wanted, signal)
  if (image) return { state: 'present', image }
  if (policy !== 'Never')
    return pull.state === 'idle' && pull.fault ? { state: 'absent', fault: pull.fault } : { state: 'absent' }
  const fault = waiting('ImageNotPresent', `${reference} is not on the host and imagePullPolicy is Never: load it there`)
  return { state: 'failed', fault }
}
