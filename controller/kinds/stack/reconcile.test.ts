import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { kinds, type Resource } from '../../../crds/kinds.ts'
import type { Compose } from '../../compose/compose.ts'
import type { ComposeContainer } from '../../compose/container.ts'
import { CommandFailed, engineFault, fileFault } from '../../compose/failure.ts'
import type { ComposeService } from '../../compose/project.ts'
import { handClock } from '../../simulation/clock.ts'
import { openStore, type Store } from '../../store/store.ts'
import { reconcileStack } from './reconcile.ts'

// What operators are told of a Stack, over a stand-in of Compose that does, or says, what each test wants.

let store: Store
let events: string[]
let clock: ReturnType<typeof handClock>
let world: { containers: ComposeContainer[]; configuration: string; answers: Partial<Compose> }
/** Tells a look in progress that something may have changed. */
let hint: () => void
beforeEach(() => {
  store = openStore(':memory:')
  events = []
  clock = handClock(0)
  hint = () => undefined
  world = { containers: [], configuration: 'one', answers: {} }
  declare({ hostRef: 'h', project: 'p', files: ['c.yml'] })
})
afterEach(() => store.close())

/** Declares the Stack so, or not at all. */
function declare(spec?: object): void {
  const metadata = (name: string) => ({ name, namespace: 'n' })
  const host: Resource = { kind: 'Host', metadata: metadata('h'), spec: kinds.Host.spec.parse({ engine: { type: 'docker' } }) }
  const stack: Resource[] = spec ? [{ kind: 'Stack', metadata: metadata('s'), spec: kinds.Stack.spec.parse(spec) }] : []
  const objects = [host, ...stack].map(resource => ({ resource, origin: { file: '/m/s.yaml', line: 1 } }))
  store.declared.accept({ objects, complete: true })
}

const service: ComposeService = {
  ...{ name: 'bus', image: 'i:1', hash: 'h', digest: 'd', restart: 'always', replicas: 1, dependsOn: [], binds: ['/c/bus.conf'] },
  labels: { 'dev.feedplane.stack.reload': 'SIGHUP' },
}

const runs = (more: Partial<ComposeContainer> = {}): ComposeContainer[] => [
  {
    id: '1',
    name: 'p-bus-1',
    service: 'bus',
    hash: 'h',
    image: 'i:1',
    state: 'running',
    exitCode: 0,
    health: 'healthy',
    ...more,
  },
]

const compose = (): Compose => ({
  version: async () => '2.26.1',
  services: async () => [service],
  reread: () => undefined,
  containers: async () => world.containers,
  up: async () => {
    world.containers = runs()
  },
  restart: async () => undefined,
  signal: async () => undefined,
  remove: async () => undefined,
  removeNetworks: async () => undefined,
  ...world.answers,
})

/** One look; the conditions as `Type=Status Reason`. */
async function look(): Promise<string[]> {
  const onEvent = ({ type, reason }: { type: string; reason: string }) => void events.push(`${type} ${reason}`)
  const onHint = (listener: () => void) => {
    hint = listener
    return () => undefined
  }
  const stacks = {
    compose,
    configuration: async () => world.configuration,
    follow: () => undefined,
    onHint,
    onStep: () => undefined,
  }
  const ports = { clock, store, declared: store.declared, problems: () => [], onEvent, onStatus: () => undefined }
  await reconcileStack('n/s', { ...ports, stacks }, AbortSignal.timeout(5000))
  return (store.status.get('Stack', 'n/s')?.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`)
}

const converging = ['Ready=Unknown Converging', 'Reconciling=True Converging', 'SourceValid=True Read']

describe('a stack', () => {
  it('converges until its services run, and is ready then', async () => {
    expect(await look()).toEqual(converging)
    expect(await look()).toEqual(['Ready=True ServicesReady', 'SourceValid=True Read'])
    expect(events).toEqual(['Normal ServicesBroughtUp', 'Normal ServiceReady'])
  })

  it('stays ready where Compose makes another label of the same declaration, and where it later makes its own again', async () => {
    for (const hash of ['of its env_file', 'h']) {
      world.containers = []
      world.answers.up = async () => {
        world.containers = runs({ hash })
      }
      expect(await look()).toEqual(converging)
      expect(await look()).toEqual(['Ready=True ServicesReady', 'SourceValid=True Read'])
    }
  })

  it('converges until their health checks have passed', async () => {
    world.containers = runs({ health: 'starting' })
    expect(await look()).toEqual(converging)
  })

  it.each([
    ['has a failing health check', { health: 'unhealthy' }],
    ['is paused', { state: 'paused' }],
    ['ends again and again', { state: 'restarting', exitCode: 1 }],
  ] as const)('is not ready where a service %s', async (_what, more) => {
    world.containers = runs()
    await look()
    world.containers = runs(more)
    expect(await look()).toEqual(['Ready=False ServicesNotReady', 'SourceValid=True Read'])
    expect(events).toEqual(['Warning ServiceNotReady'])
  })

  it('tells of a service that was told to read its files again', async () => {
    world.containers = runs()
    await look()
    world.configuration = 'two'
    expect(await look()).toEqual(converging)
    expect(await look()).toEqual(['Ready=True ServicesReady', 'SourceValid=True Read'])
    expect(events).toEqual(['Normal ServiceReloaded'])
  })
})

describe('a stack that is removed', () => {
  const removing = { hostRef: 'h', project: 'p', files: ['c.yml'], deletionPolicy: 'Remove' }
  const keeping = { ...removing, deletionPolicy: 'Keep' }
  beforeEach(async () => {
    world.answers.remove = async (_engine, containers) => {
      world.containers = world.containers.filter(one => !containers.includes(one))
    }
    world.containers = runs()
    declare(removing)
    await look()
  })

  it.each([
    ['while it is suspended', () => declare({ ...keeping, suspend: true })],
    [
      'while its files cannot be read',
      () => {
        world.answers.services = () => Promise.reject(fileFault(says('yaml: line 3: did not find expected key')))
        declare(keeping)
      },
    ],
    ['together with its project', () => declare({ ...keeping, project: 'q' })],
  ])('goes by the policy that was declared last: one that is declared to keep its services %s', async (_when, edit) => {
    edit()
    await look()
    declare()
    await look()
    expect(world.containers).toEqual(runs())
    expect(events).not.toContain('Normal ServicesPruned')
  })
})

const says = (words: string) => new CommandFailed(words)
const noCommand = Object.assign(new Error('spawn docker ENOENT'), { code: 'ENOENT' })

describe('a stack whose files cannot be read', () => {
  it.each([
    ['services.bus.image: required variable TAG is missing a value', 'ComposeVariableMissing'],
    ['open /m/c.yml: no such file or directory', 'ComposeFileUnreadable'],
    ['yaml: line 3: did not find expected key', 'ComposeFileInvalid'],
  ])('is stalled, and leaves what runs: %s', async (words, reason) => {
    world.containers = runs()
    world.answers.services = () => Promise.reject(fileFault(says(words)))
    expect(await look()).toEqual([`Ready=False ${reason}`, `Stalled=True ${reason}`, `SourceValid=False ${reason}`])
    expect(events).toEqual([`Warning ${reason}`])
  })

  it('is stalled where no Compose is there that could', async () => {
    world.answers.version = () => Promise.reject(engineFault('tell the version of Compose', noCommand))
    const reason = 'ComposeMissing'
    expect(await look()).toEqual([`Ready=False ${reason}`, `Stalled=True ${reason}`, `SourceValid=False ${reason}`])
  })
})

describe('a stack that cannot be brought up', () => {
  it.each([
    ['dependency failed to start: container p-bus-1 is unhealthy', 'DependencyUnhealthy'],
    ['external volume "data" not found', 'ComposeFailed'],
  ])('is tried again: %s', async (words, reason) => {
    world.answers.up = () => Promise.reject(engineFault('bring bus up', says(words)))
    expect(await look()).toEqual([`Ready=False ${reason}`, `Reconciling=True ${reason}`, 'SourceValid=True Read'])
    expect(events).toEqual([`Warning ${reason}`])
    world.answers = {}
    await look()
    expect(await look()).toEqual(['Ready=True ServicesReady', 'SourceValid=True Read'])
  })
})

describe('a stack of which one service cannot be brought up', () => {
  const of = (name: string, more: Partial<ComposeContainer> = {}) =>
    ({ ...runs(more)[0], id: name, service: name }) as ComposeContainer
  let done: string[]
  beforeEach(async () => {
    done = []
    world.containers = [of('bus'), of('old')]
    world.answers = {
      services: async () => [service, { ...service, name: 'old' }],
      restart: async (_engine, containers) => void done.push(`restart ${containers.map(one => one.service)}`),
      signal: async (_engine, containers) => void done.push(`signal ${containers.map(one => one.service)}`),
      remove: async (_engine, containers) => void done.push(`remove ${containers.map(one => one.service)}`),
    }
    declare({ hostRef: 'h', project: 'p', files: ['c.yml'], unhealthyAfter: '1ms' })
    await look()
    world.answers.services = async () => [service, { ...service, name: 'new' }]
  })

  it.each([
    ['Bind for 127.0.0.1:80 failed: port is already allocated', ['remove old']],
    ['Conflict. The container name "/x" is already in use', ['remove old']],
    ['pull access denied for x', []],
    ['dependency failed to start: container p-bus-1 is unhealthy', []],
  ])('removes what is no longer declared where that may be in the way: %s', async (words, expected) => {
    world.answers.up = () => Promise.reject(engineFault('bring new up', says(words)))
    await look()
    expect(done).toEqual(expected)
  })

  it('has the others read their files again, once', async () => {
    world.answers.up = () => Promise.reject(engineFault('bring new up', says('pull access denied for x')))
    world.configuration = 'two'
    await look()
    await look()
    expect(done).toEqual(['signal bus'])
    expect(events.filter(event => event === 'Normal ServiceReloaded')).toHaveLength(1)
  })

  it('restarts another that is unwell, and counts that', async () => {
    world.answers.up = () => Promise.reject(engineFault('bring new up', says('pull access denied for x')))
    world.containers = [of('bus', { health: 'unhealthy' })]
    await look()
    clock.goTo(10)
    await look()
    expect(done).toEqual(['restart bus'])
    expect(store.stacks.get('n/s')?.repairs).toMatchObject({ bus: { count: 1 } })
  })
})

describe('a stack that is brought up for long', () => {
  /** The `compose up` in progress. */
  let up: { signal: AbortSignal; end: () => void }
  let began: Promise<void>
  beforeEach(() => {
    const { promise, resolve: begin } = Promise.withResolvers<void>()
    began = promise
    world.answers.up = (_engine, _declaration, _services, _timeoutMs, signal) =>
      new Promise((end, fail) => {
        up = { signal, end }
        signal.addEventListener('abort', () => fail(new Error('it was ended')))
        begin()
      })
  })

  it.each([
    ['it is declared otherwise', () => declare({ hostRef: 'h', project: 'p', files: ['other.yml'] })],
    ['it is no longer declared', () => declare()],
    [
      'a file of it is another one',
      () => {
        world.answers.services = async () => [{ ...service, hash: 'another' }]
      },
    ],
  ])('begins anew where %s meanwhile', async (_what, edit) => {
    const looking = look()
    await began
    edit()
    hint()
    await looking
    expect(events).toEqual(['Normal ChangeCutOff'])
  })

  it('begins anew where it was declared otherwise while it was looked at', async () => {
    world.answers.containers = async () => {
      declare({ hostRef: 'h', project: 'p', files: ['other.yml'] })
      hint()
      return []
    }
    await look()
    expect(events).toEqual(['Normal ChangeCutOff'])
  })

  it('goes on where nothing has changed, or a file cannot be read', async () => {
    const looking = look()
    await began
    hint()
    world.answers.services = () => Promise.reject(fileFault(says('yaml: line 3: did not find expected key')))
    hint()
    await new Promise(setImmediate)
    expect(up.signal.aborted).toBe(false)
    world.containers = runs()
    up.end()
    await looking
    expect(events).toEqual(['Normal ServicesBroughtUp'])
  })
})
