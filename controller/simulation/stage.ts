import type { Account } from '../../crds/contract/desired.ts'
import { type Fault, stalled, transient, waiting } from '../../crds/contract/fault.ts'
import { kinds, type Resource } from '../../crds/kinds.ts'
import { indexCatalogue } from '../consistency/catalogue.ts'
import type { Engine } from '../engines/engine.ts'
import { imagePuller } from '../engines/puller.ts'
import { type EngineRegistry, engineRegistry } from '../engines/registry.ts'
import type { DrillPorts } from '../kinds/failoverdrill/gather.ts'
import { reconcileFailoverDrill } from '../kinds/failoverdrill/reconcile.ts'
import { gather } from '../kinds/feed/gather.ts'
import type { FeedInput } from '../kinds/feed/input.ts'
import { type FeedPorts, reconcileFeed } from '../kinds/feed/reconcile.ts'
import type { Result } from '../runtime/result.ts'
import type { SecretReading, SecretValues } from '../secrets/secret.ts'
import type { Declared } from '../store/declared.ts'
import type { NewEvent } from '../store/event.ts'
import { openStore } from '../store/store.ts'
import { SimulatedBus } from './bus.ts'
import { handClock } from './clock.ts'
import { type SimulatedEngine, simulatedEngine } from './engine.ts'
import { type FeedWorld, SimulatedFeed, simulatedClient } from './feed.ts'
import type { Run, SimulatedWorkload } from './workload.ts'

export const feedKey = 'sim/f'
const drillKey = 'sim/d'
const hostNames = ['h1', 'h2'] as const
type HostName = (typeof hostNames)[number]

/** Images by what they do; `missing` is nowhere, `unstartable` has no entry point, and of `jammed` the engine cannot say why. */
export const images = ['good-1', 'good-2', 'slow', 'crashes', 'never-logs-in', 'unstartable', 'jammed', 'missing'] as const
export type ImageName = (typeof images)[number]

type FeedDeclaration = {
  host: HostName
  image: ImageName
  active: Account
  backup: boolean
  instruments: number
  set: 'declared' | 'missing'
  revision: number | undefined
  suspend: boolean
  imagePullPolicy: 'IfNotPresent' | 'Never'
  deletionPolicy: 'Delete' | 'Orphan'
  state: 'Running' | 'Stopped'
  autoRollback: boolean
  strategy: 'Handover' | 'Recreate' | undefined
  minHealthy: string
  /** Logins that the primary account allows; the backup allows two. */
  logins: number
  failback: 'manual' | 'auto'
  /** `ctp` is live. */
  gateway: 'simulator' | 'ctp'
  preflight: 'Required' | 'Advisory'
  /** Where the accounts' secrets come from. */
  secrets: 'env' | 'vault'
  retry: string | undefined
  resubscribe: string | undefined
  failbackToken: string | undefined
  /** Spec of a FailoverDrill on the feed, and what asks for one. */
  drill: Record<string, unknown> | undefined
  drillToken: string | undefined
}

/** What a read of secrets gives: of all Credentials, of `others` by their names, or why nothing. */
type StagedSecrets = {
  values: SecretValues | undefined
  others: Map<string, SecretValues>
  fault?: Fault | undefined
  trouble?: Fault | undefined
  /** Where they are in the Vault, before their names. */
  path: string
}

/** One feed, its controller and the world around them, in memory and under a hand clock. */
export type Stage = Awaited<ReturnType<typeof openStage>>

export async function openStage() {
  const clock = handClock(1_700_000_000_000)
  const store = openStore(':memory:')
  const bus = new SimulatedBus(clock)
  const world: FeedWorld = {
    ...{ clock, bus, running: new Map(), deadAccounts: new Set(), isMute: false },
    onAccepted: () => undefined,
  }
  const present = new Set<string>()
  const registry = new Set<string>(images.filter(name => name !== 'missing').map(imageReference))
  const engines = new Map<string, SimulatedEngine>(
    hostNames.map(name => [
      `sim/${name}`,
      simulatedEngine({
        clock,
        installation: store.installation.id,
        present,
        registry,
        program: workload => runFeed(workload, world),
      }),
    ]),
  )
  const secrets: StagedSecrets = { values: { BROKER_ID: '1', USER_ID: 'u', PASSWORD: 'p' }, others: new Map(), path: 'feeds' }
  const readSecrets = async ({ resource: { metadata } }: Declared<'Credentials'>): Promise<SecretReading> => {
    const { fault, trouble } = secrets
    if (fault) throw fault
    const values = secrets.others.get(metadata.name) ?? secrets.values
    if (values) return { values, ...(trouble && { trouble }) }
    throw waiting('SecretMissing', 'PASSWORD is missing')
  }
  const spec: FeedDeclaration = {
    host: 'h1',
    image: 'good-1',
    active: 'primary',
    backup: true,
    instruments: 1,
    set: 'declared',
    revision: undefined,
    suspend: false,
    imagePullPolicy: 'IfNotPresent',
    deletionPolicy: 'Delete',
    state: 'Running',
    autoRollback: true,
    strategy: 'Recreate',
    minHealthy: '2s',
    logins: 2,
    failback: 'manual',
    gateway: 'simulator',
    preflight: 'Required',
    secrets: 'env',
    retry: undefined,
    resubscribe: undefined,
    failbackToken: undefined,
    drill: undefined,
    drillToken: undefined,
  }
  const declaredHosts = new Set<HostName>(hostNames)
  const deadFronts = new Set<string>()
  const events: NewEvent[] = []
  const writes: string[] = []
  /** Writes until the controller dies. */
  let writesLeft = Number.POSITIVE_INFINITY
  let diesBefore = false
  /** Point of a rollout at which the controller dies. */
  let deathPoint: string | undefined
  let deaths = 0
  let controller: { registry: EngineRegistry; ports: FeedPorts & DrillPorts; stop: AbortController } | undefined
  let dueAt = clock.now()
  /** When the drill is looked at; never where none is declared or remembered. */
  let drillDueAt = Number.POSITIVE_INFINITY
  const evidence: Record<string, object> = {}
  const disk = { isFull: false }
  let isDeclared = true
  /** Why no engine can be opened. */
  let openFault: Fault | undefined

  /** Tells of a write, and never comes back from it where the controller dies in it: before or after it takes effect. */
  const write = async <T>(name: string, carryOut: () => Promise<T>): Promise<T> => {
    writesLeft--
    if (writesLeft === 0 && diesBefore) return died()
    writes.push(name)
    const result = await carryOut()
    return writesLeft === 0 ? died() : result
  }
  let onDeath: () => void = () => undefined
  const died = (): Promise<never> => {
    onDeath()
    return new Promise<never>(() => undefined)
  }
  const mortal = (engine: Engine): Engine => ({
    ...engine,
    list: signal => engine.list(signal),
    findImage: (reference, signal) => engine.findImage(reference, signal),
    pullImage: (reference, signal) => engine.pullImage(reference, signal),
    create: (made, signal) => write(`create ${made.name}`, () => engine.create(made, signal)),
    writeFiles: (name, files, signal) => write(`write ${name}`, () => engine.writeFiles(name, files, signal)),
    start: (name, signal) => write(`start ${name}`, () => engine.start(name, signal)),
    stop: (name, signal) => write(`stop ${name}`, () => engine.stop(name, signal)),
    rename: (from, to, signal) => write(`rename ${from} ${to}`, () => engine.rename(from, to, signal)),
    remove: (name, signal) => write(`remove ${name}`, () => engine.remove(name, signal)),
    connect: (name, signal) => write(`connect ${name}`, () => engine.connect(name, signal)),
    releaseNetwork: (name, signal) => write(`release network ${name}`, () => engine.releaseNetwork(name, signal)),
  })
  const client = simulatedClient(world)

  const start = () => {
    const stop = new AbortController()
    const opened = engineRegistry({
      open: host => {
        if (openFault) throw openFault
        return mortal(engines.get(`sim/${host.resource.metadata.name}`) as SimulatedEngine)
      },
      onHint: () => {
        dueAt = Math.min(dueAt, clock.now())
      },
      onWatchFailed: () => undefined,
      now: clock.now,
    })
    const catalogue = indexCatalogue('all.json', catalogueOf(5))
    const ports: FeedPorts & DrillPorts = {
      clock,
      store,
      declared: store.declared,
      engines: opened,
      images: imagePuller(clock, () => undefined, stop.signal),
      secrets: { read: readSecrets, readAside: readSecrets, forget: () => undefined },
      feeds: {
        ...client,
        push: (...call) => write('push', () => client.push(...call)),
        takePosition: (endpoint, token, position, signal) =>
          write('position', () => client.takePosition(endpoint, token, position, signal)),
      },
      dial: async address => (deadFronts.has(address) ? 'ECONNREFUSED' : undefined),
      catalogues: async () => new Map([['all.json', catalogue]]),
      problems: () => [],
      tokenOf: () => 'token',
      drills: {
        life: String(deaths),
        evidence: {
          keep(_drill, id, content, limit) {
            if (disk.isFull) throw new Error('ENOSPC: no space left on device, write')
            evidence[id] = content
            for (const old of Object.keys(evidence).sort().slice(0, -limit)) delete evidence[old]
            return id
          },
        },
        wakeFeed: () => {
          dueAt = clock.now()
        },
      },
      onStep: () => undefined,
      reached: (_key, point) => {
        if (point !== deathPoint) return undefined
        deathPoint = undefined
        return died()
      },
      onEvent: event => void events.push(event),
      onStatus: () => undefined,
    }
    controller = { registry: opened, ports, stop }
    writesLeft = Number.POSITIVE_INFINITY
    dueAt = clock.now()
    return controller
  }

  /** The controller is gone with kill -9; the next look is its successor's. */
  const crash = () => {
    deaths++
    controller?.stop.abort()
    controller = undefined
    dueAt = clock.now()
    if (drillDueAt !== Number.POSITIVE_INFINITY) drillDueAt = clock.now()
  }

  const declare = () => {
    store.declared.accept({
      objects: resources(spec, isDeclared, declaredHosts, secrets.path).map(resource => ({
        resource,
        origin: { file: 'a.yaml', line: 1 },
      })),
      complete: true,
    })
    dueAt = clock.now()
    if (spec.drill ?? store.drills.get(drillKey)) drillDueAt = clock.now()
  }

  /** One look; `undefined` where the controller died in it. */
  const look = async (): Promise<Result | undefined> => {
    const { ports } = controller ?? start()
    const death = new Promise<undefined>(resolve => {
      onDeath = () => resolve(undefined)
    })
    const result = await Promise.race([reconcileFeed(feedKey, ports, AbortSignal.timeout(60_000)), death])
    if (result) dueAt = clock.now() + delayOf(result)
    else crash()
    return result
  }

  /** One look at the drill. */
  const lookAtDrill = async (): Promise<void> => {
    const { ports } = controller ?? start()
    const death = new Promise<undefined>(resolve => {
      onDeath = () => resolve(undefined)
    })
    const result = await Promise.race([reconcileFailoverDrill(drillKey, ports, AbortSignal.timeout(60_000)), death])
    if (!result) crash()
    else drillDueAt = result.type === 'gone' ? Number.POSITIVE_INFINITY : clock.now() + delayOf(result)
  }

  /** Lets time pass, looking whenever a look is due. */
  const pass = async (ms: number, onLook: () => void = () => undefined): Promise<number> => {
    const end = clock.now() + ms
    let looks = 0
    for (;;) {
      const at = Math.max(Math.min(dueAt, drillDueAt), clock.now())
      if (at > end) break
      clock.goTo(at)
      if (drillDueAt <= clock.now()) await lookAtDrill()
      else if (dueAt > clock.now()) continue
      else await look()
      looks++
      onLook()
      if (looks > 20_000) throw new Error('it looks without end')
      if (Math.min(dueAt, drillDueAt) <= clock.now()) clock.goTo(clock.now() + 1)
    }
    clock.goTo(end)
    return looks
  }

  declare()
  return {
    clock,
    store,
    world,
    bus,
    engines,
    events,
    evidence,
    disk,
    writes,
    secrets,
    /** Addresses at which nobody takes a connection. */
    deadFronts,
    present,
    registry,
    declaredHosts,
    /** The controller dies at its n-th write from now, before or after that took effect. */
    dieAt(count: number, when: 'before' | 'after') {
      writesLeft = count
      diesBefore = when === 'before'
    },
    /** The controller dies when it next reaches this point of a rollout. */
    dieAtPoint(point: string) {
      deathPoint = point
    },
    crash,
    look,
    pass,
    /** What a look would see now. */
    input(): Promise<FeedInput> {
      const { ports } = controller ?? start()
      return gather(feedKey, ports, ports.tokenOf, AbortSignal.timeout(60_000))
    },
    edit(change: Partial<FeedDeclaration>) {
      Object.assign(spec, change)
      declare()
    },
    setDeclared(value: boolean) {
      isDeclared = value
      declare()
    },
    redeclare: declare,
    /** Hosts are declared with other settings, with which their engines cannot be opened. */
    spoilHosts(fault: Fault) {
      openFault = fault
      const spec = kinds.Host.spec.parse({ engine: { type: 'process', images: [{ reference: 'y', entry: 'y' }] } })
      const hosts = store.declared.list('Host').map(({ resource, origin }) => ({ resource: { ...resource, spec }, origin }))
      store.declared.accept({ objects: hosts, complete: false })
    },
    /** They are as they were. */
    mendHosts() {
      openFault = undefined
      declare()
    },
    get spec(): Readonly<FeedDeclaration> {
      return spec
    },
    /** How often the controller has died. */
    get deaths() {
      return deaths
    },
    get isDeclared() {
      return isDeclared
    },
    get status() {
      return store.status.get('Feed', feedKey)
    },
    get drillStatus() {
      return store.status.get('FailoverDrill', drillKey)
    },
    condition(type: string) {
      return store.status.get('Feed', feedKey)?.conditions?.find(condition => condition.type === type)
    },
    /** Workloads of the feed, on all hosts. */
    workloads(): SimulatedWorkload[] {
      return [...engines.values()].flatMap(engine => [...engine.workloads.values()]).filter(({ image }) => image !== 'stranger')
    },
    running(): SimulatedWorkload[] {
      return this.workloads().filter(({ state }) => state === 'running' || state === 'restarting')
    },
    feeds(): SimulatedFeed[] {
      return [...world.running.values()]
    },
    close: () => {
      controller?.stop.abort()
      store.close()
    },
  }
}

export const imageReference = (name: ImageName) => `sim/${name}:1`

function runFeed(workload: SimulatedWorkload, world: FeedWorld): Run {
  const behaviour = workload.image.slice('sim/'.length, -':1'.length)
  if (behaviour === 'unstartable') throw stalled('StartFailed', 'exec: no such file')
  if (behaviour === 'jammed') throw transient('EngineError', 'it did not start')
  if (behaviour === 'crashes') return { end: { afterMs: 50, exitCode: 1 } }
  const kind = behaviour === 'slow' || behaviour === 'never-logs-in' ? behaviour : 'good'
  const endpoint = `sim://${workload.id}`
  const feed = new SimulatedFeed(workload, kind, world)
  world.running.set(endpoint, feed)
  const gone = () => {
    feed.gone()
    world.running.delete(endpoint)
  }
  return { endpoint, gone }
}

/** As the loop has it, with the resync of the default settings and a middling back-off. */
function delayOf(result: Result): number {
  if (result.type === 'after') return result.delayMs
  return result.type === 'error' ? 500 : 5000
}

function resources(feed: FeedDeclaration, isDeclared: boolean, hosts: Set<HostName>, path: string): Resource[] {
  const metadata = (name: string, annotations?: Record<string, string>) => ({
    name,
    namespace: 'sim',
    ...(annotations && { annotations }),
  })
  const engine = { type: 'process', images: [{ reference: 'x', entry: 'x' }] }
  const declared: Resource[] = [
    ...[...hosts].map(name => ({ kind: 'Host' as const, metadata: metadata(name), spec: kinds.Host.spec.parse({ engine }) })),
    {
      kind: 'FeedProfile',
      metadata: metadata('p'),
      spec: kinds.FeedProfile.spec.parse({ gateway: { type: feed.gateway, fronts: stagedFronts }, calendar: { type: 'always' } }),
    },
    ...['a', 'b'].map(name => ({
      kind: 'Credentials' as const,
      metadata: metadata(name),
      spec: kinds.Credentials.spec.parse({ logins: name === 'a' ? feed.logins : 2, ...secretSource(name, feed.secrets, path) }),
    })),
  ]
  if (!isDeclared) return declared
  const {
    instruments,
    retry,
    resubscribe,
    failbackToken,
    image,
    host,
    active,
    backup,
    failback,
    suspend,
    state,
    autoRollback,
    strategy,
    minHealthy,
    revision,
  } = feed
  const names = catalogueOf(instruments).map(({ exchange, id }) => `${exchange}.${id}`)
  if (feed.set === 'declared')
    declared.push({
      kind: 'SubscriptionSet',
      metadata: metadata('s'),
      spec: kinds.SubscriptionSet.spec.parse({ catalogue: 'all.json', instruments: names }),
    })
  const annotations = {
    ...(retry !== undefined && { 'feedplane.dev/retry': retry }),
    ...(resubscribe !== undefined && { 'feedplane.dev/resubscribe': resubscribe }),
    ...(failbackToken !== undefined && { 'feedplane.dev/failback': failbackToken }),
  }
  const spec = kinds.Feed.spec.parse({
    ...{ hostRef: host, profileRef: 'p', image: imageReference(image), subscriptions: ['s'], suspend, state },
    imagePullPolicy: feed.imagePullPolicy,
    deletionPolicy: feed.deletionPolicy,
    preflight: feed.preflight,
    credentials: { active: backup ? active : 'primary', primary: 'a', ...(backup && { backup: 'b' }), failback },
    rollout: { progressDeadline: '20s', minHealthy, autoRollback, ...(strategy && { strategy }) },
    ...(revision !== undefined && { revision }),
    revisionHistoryLimit: 4,
  })
  const objects: Resource[] = [...declared, { kind: 'Feed', metadata: metadata('f', annotations), spec }]
  if (!feed.drill) return objects
  const drillSpec = kinds.FailoverDrill.spec.parse({ feedRef: 'f', market: 'open', hold: '5s', ...feed.drill })
  const asked = feed.drillToken === undefined ? undefined : { 'feedplane.dev/drill': feed.drillToken }
  return [...objects, { kind: 'FailoverDrill', metadata: metadata('d', asked), spec: drillSpec }]
}

const stagedFronts = { primary: ['tcp://one:1', 'tcp://two:2'], backup: ['tcp://three:3'] }

function secretSource(name: string, from: FeedDeclaration['secrets'], path: string): object {
  if (from === 'env') return { env: { prefix: `${name.toUpperCase()}_` } }
  return { vault: { address: 'https://vault', mount: 'kv', path: `${path}/${name}`, auth: { token: { file: 'token' } } } }
}

function catalogueOf(count: number) {
  const terms = { exchange: 'CZCE', product: 'AP', class: 'future', multiplier: 10, priceTick: 1, windows: { day: [] } } as const
  return Array.from({ length: count }, (_, index) => ({ ...terms, windows: { day: [] }, id: `AP00${index}` }))
}
