import { describe, expect, it } from 'vitest'
import { stalled, transient } from '../../../crds/contract/fault.ts'
import { type StackSpec, stackSpec } from '../../../crds/stack.ts'
import type { ComposeContainer } from '../../compose/container.ts'
import type { ComposeService } from '../../compose/project.ts'
import type { Problem } from '../../sources/problem.ts'
import type { StackMemory } from '../../store/stack.ts'
import { targetOf } from './decision.ts'
import type { StackInput } from './input.ts'
import { plan } from './plan.ts'

const now = Date.UTC(2026, 0, 5)

function service(name: string, more: Partial<ComposeService> = {}): ComposeService {
  const base = { name, image: 'i:1', hash: `hash-${name}`, digest: `digest-${name}`, labels: {}, restart: 'unless-stopped' }
  return { ...base, replicas: 1, dependsOn: [], binds: [], ...more }
}

function container(name: string, more: Partial<ComposeContainer> = {}): ComposeContainer {
  const base = { id: `id-${name}`, name: `p-${name}-1`, service: name, hash: `hash-${name}`, image: 'i:1' }
  return { ...base, state: 'running', exitCode: 0, health: 'healthy', ...more }
}

type World = {
  spec?: Partial<StackSpec>
  services?: ComposeService[] | Exclude<StackInput['read'], ComposeService[]>
  containers?: ComposeContainer[] | ReturnType<typeof transient>
  memory?: Partial<StackMemory>
  /** What this Stack ran before; by default all that there is. */
  ran?: string[]
  configurations?: Record<string, string>
  elsewhere?: StackInput['elsewhere']
  declared?: false
  problems?: Problem[]
}

function inputOf(world: World): StackInput {
  const { services = [service('bus')], containers = [], memory, ran, configurations = {}, elsewhere = [] } = world
  const spec = stackSpec.parse({ hostRef: 'h', project: 'p', files: ['c.yml'], ...world.spec })
  const metadata = { name: 's', namespace: 'n' }
  const names = ran ?? (Array.isArray(containers) ? containers.map(one => one.service) : [])
  const placement = { host: 'n/h', project: 'p', services: names, deletionPolicy: spec.deletionPolicy }
  const remembered = { placements: [placement], accepted: {}, repairs: {}, configurations: {}, ...memory }
  const isDeclared = world.declared !== false
  return {
    ...{ now, key: 'n/s', problems: world.problems ?? [], memory: remembered, composeVersion: '2.26.1' },
    declared: isDeclared
      ? { resource: { kind: 'Stack', metadata, spec }, generation: 1, origin: { file: '/m/s.yaml', line: 1 } }
      : undefined,
    host: { resource: { kind: 'Host', metadata: { ...metadata, name: 'h' } } } as StackInput['host'],
    read: isDeclared ? services : undefined,
    here: isDeclared ? { placement, containers } : undefined,
    ...{ elsewhere, configurations },
  }
}

const stepsOf = (world: World) => plan(inputOf(world)).steps.map(step => `${step.action} ${targetOf(step)}: ${step.reason}`)

describe('a stack', () => {
  it('that runs as declared needs nothing', () => {
    expect(stepsOf({ containers: [container('bus')] })).toEqual([])
  })

  it('has brought up what is missing, and names it', () => {
    const services = [service('bus'), service('web')]
    expect(stepsOf({ services, containers: [container('bus')] })).toEqual(['ComposeUp web: web: there is no container'])
  })

  it('has brought to its number what has more containers, or fewer, than declared', () => {
    const services = [service('bus', { replicas: 2 })]
    expect(stepsOf({ services, containers: [container('bus')] })).toEqual(['ComposeUp bus: bus: 1 of 2 containers are there'])
    const three = [1, 2, 3].map(number => container('bus', { id: `${number}` }))
    expect(stepsOf({ services, containers: three })).toEqual(['ComposeUp bus: bus: 3 of 2 containers are there'])
    expect(stepsOf({ services: [service('bus', { replicas: 0 })] })).toEqual([])
  })

  it('has made anew what is declared otherwise', () => {
    const steps = stepsOf({ containers: [container('bus', { hash: 'older' })] })
    expect(steps).toEqual(['ComposeUp bus: bus: it is declared otherwise: older -> hash-bus'])
  })

  it('takes another hash of Compose for right where Compose made it of the same declaration', () => {
    const memory = { accepted: { bus: { digest: 'digest-bus', hash: 'label' } } }
    expect(stepsOf({ containers: [container('bus', { hash: 'label' })], memory })).toEqual([])
    const services = [service('bus', { digest: 'another' })]
    expect(stepsOf({ services, containers: [container('bus', { hash: 'label' })], memory })).toHaveLength(1)
  })

  it('has brought up what has ended, and waits longer each time that it ends again', () => {
    const containers = [container('bus', { state: 'exited', exitCode: 137, health: 'none' })]
    expect(stepsOf({ containers })).toEqual(['ComposeUp bus: bus: it has ended with 137'])
    const ended = (seconds: number, count: number) =>
      plan(inputOf({ containers, memory: { repairs: { bus: { count, at: now - seconds * 1000 } } } }))
    expect(ended(9, 1)).toMatchObject({ steps: [], wakeMs: 1000 })
    expect(ended(10, 1).steps).toHaveLength(1)
    expect(ended(19, 2)).toMatchObject({ steps: [], wakeMs: 1000 })
    expect(ended(319, 100)).toMatchObject({ steps: [], wakeMs: 1000 })
  })

  it('lets a service that ends with 0 and has no restart policy have done its work', () => {
    const containers = [container('bus', { state: 'exited', health: 'none' })]
    const done = plan(inputOf({ services: [service('bus', { restart: 'no' })], containers }))
    expect(done).toMatchObject({ steps: [], judgements: [{ ready: true, state: 'completed' }] })
    expect(stepsOf({ containers })).toHaveLength(1)
  })

  it('has restarted what is unhealthy for longer than it may be', () => {
    const containers = [container('bus', { health: 'unhealthy' })]
    const first = plan(inputOf({ containers }))
    expect(first).toMatchObject({ steps: [], wakeMs: 60_000, memory: { repairs: { bus: { unhealthySince: now, count: 0 } } } })
    const repairs = { bus: { unhealthySince: now - 60_000, count: 0, at: 0 } }
    const second = plan(inputOf({ containers, memory: { repairs } }))
    expect(second.steps.map(targetOf)).toEqual(['p-bus-1'])
    expect(second.afterwards.repairs).toEqual({ bus: { count: 1, at: now } })
  })

  it('forgets repairs that have lasted', () => {
    const of = (seconds: number) =>
      plan(inputOf({ containers: [container('bus')], memory: { repairs: { bus: { count: 2, at: now - seconds * 1000 } } } }))
        .memory
    expect(of(59).repairs).toEqual({ bus: { count: 2, at: now - 59_000 } })
    expect(of(61).repairs).toEqual({})
  })

  it('looks again soon where a health check has not passed yet', () => {
    expect(plan(inputOf({ containers: [container('bus', { health: 'starting' })] }))).toMatchObject({ steps: [], wakeMs: 1000 })
  })

  it('has a service told of a changed file once, and not one that is started anyway', () => {
    const services = [service('bus', { labels: { 'dev.feedplane.stack.reload': 'SIGHUP' } })]
    const configurations = { bus: 'two' }
    const seen = plan(inputOf({ services, configurations, containers: [container('bus')] }))
    expect(seen).toMatchObject({ steps: [], memory: { configurations: { bus: 'two' } } })
    const memory = { configurations: { bus: 'one' } }
    const told = plan(inputOf({ services, configurations, memory, containers: [container('bus')] }))
    expect(told.steps).toMatchObject([{ action: 'Reload', signal: 'SIGHUP' }])
    expect([told.memory.configurations, told.afterwards.configurations]).toEqual([{ bus: 'one' }, { bus: 'two' }])
    const anew = plan(inputOf({ services, configurations, memory, containers: [] }))
    expect(anew.steps.map(({ action }) => action)).toEqual(['ComposeUp'])
    expect(anew.afterwards.configurations).toEqual({ bus: 'two' })
  })

  it('refuses a signal that would end a service', () => {
    const services = [service('bus', { labels: { 'dev.feedplane.stack.reload': 'SIGKILL' } })]
    const world = { services, configurations: { bus: 'two' }, memory: { configurations: { bus: 'one' } } }
    expect(stepsOf({ ...world, containers: [container('bus')] })).toEqual([])
  })

  it('runs the selected services alone, and none that is to be left alone', () => {
    const services = [service('bus'), service('web'), service('self', { labels: { 'dev.feedplane.stack': 'unmanaged' } })]
    expect(plan(inputOf({ services })).steps.map(targetOf)).toEqual(['bus, web'])
    expect(plan(inputOf({ services, spec: { services: ['web'] } })).steps.map(targetOf)).toEqual(['web'])
  })
})

describe('what is no longer declared', () => {
  const containers = [container('bus'), container('old')]

  it('is removed where this stack ran it', () => {
    expect(stepsOf({ containers })).toEqual(['Prune p-old-1: old: no longer declared'])
  })

  it('stays where it did not, or shall not prune', () => {
    expect(stepsOf({ containers, ran: ['bus'] })).toEqual([])
    expect(stepsOf({ containers, spec: { prune: false } })).toEqual([])
  })

  it('stays where it is declared to be left alone', () => {
    const services = [service('bus'), service('old', { labels: { 'dev.feedplane.stack': 'unmanaged' } })]
    expect(stepsOf({ services, containers })).toEqual([])
  })

  it('is remembered until it is gone', () => {
    const services = (world: World) => plan(inputOf(world)).memory.placements[0]?.services
    expect(services({ containers })).toEqual(['bus', 'old'])
    expect(services({ containers: [container('bus')], ran: ['bus', 'old'] })).toEqual(['bus'])
  })
})

describe('a place where it ran before', () => {
  const place = (deletionPolicy: StackSpec['deletionPolicy']) => ({
    host: 'n/old',
    project: 'q',
    services: ['bus'],
    deletionPolicy,
  })
  const seen = (policy: StackSpec['deletionPolicy'], containers: ComposeContainer[] | ReturnType<typeof transient>): World => {
    const placement = place(policy)
    return { declared: false, memory: { placements: [placement] }, elsewhere: [{ placement, containers }] }
  }

  it('is left as it is by the policy Keep', () => {
    const decision = plan(inputOf(seen('Keep', [container('bus')])))
    expect(decision).toMatchObject({ steps: [], afterwards: { placements: [] }, outcomes: [{ reason: 'StackKept' }] })
  })

  it('loses its own containers, and then its networks, by the policy Remove', () => {
    const first = plan(inputOf(seen('Remove', [container('bus'), container('stranger')])))
    expect(first.steps.map(targetOf)).toEqual(['p-bus-1'])
    expect(first.afterwards.placements).toHaveLength(1)
    const second = plan(inputOf(seen('Remove', [container('stranger')])))
    expect(second.steps.map(({ action }) => action)).toEqual(['RemoveNetworks'])
    expect(second.afterwards.placements).toEqual([])
  })

  it('is remembered while its engine does not answer', () => {
    const decision = plan(inputOf(seen('Remove', transient('EngineUnreachable', 'away'))))
    expect(decision).toMatchObject({ steps: [], gone: false, trouble: { reason: 'EngineUnreachable' } })
    expect(decision.afterwards.placements).toHaveLength(1)
  })

  it('is forgotten with the stack when nothing is left of it', () => {
    expect(plan(inputOf({ declared: false, memory: { placements: [] } })).gone).toBe(true)
  })

  it('is cleared while the stack runs elsewhere', () => {
    const { elsewhere } = seen('Remove', [container('bus')])
    const decision = plan(inputOf({ containers: [container('bus')], ...(elsewhere && { elsewhere }) }))
    expect(decision.steps).toMatchObject([{ action: 'Prune', placement: { host: 'n/old' } }])
    expect(decision.memory.placements.map(({ host }) => host)).toEqual(['n/h', 'n/old'])
  })
})

describe('nothing is done', () => {
  const invalid = { fault: stalled('ComposeFileInvalid', 'yaml: line 3'), place: { file: '/c.yml', line: 3, column: 5 } }
  const depends = [
    service('web', { dependsOn: ['mid'] }),
    service('mid', { dependsOn: ['self'] }),
    service('self', { labels: { 'dev.feedplane.stack': 'unmanaged' } }),
  ]
  const worlds: [string, World, string, string][] = [
    ['while a file cannot be read', { services: invalid }, 'ComposeFileInvalid', '/c.yml:3:5: yaml: line 3'],
    ['for a service that is not there', { spec: { services: ['bsu'] } }, 'ServiceUnknown', 'spec.services names bsu'],
    ['where there is no service', { services: [] }, 'NothingToRun', 'no service'],
    ['where Compose would touch what is to be left alone', { services: depends }, 'DependsOnUnmanaged', 'depends on self'],
    ['while the engine is away', { containers: transient('EngineUnreachable', 'away') }, 'EngineUnreachable', 'away'],
  ]
  it.each(worlds)('%s', (_when, world, reason, message) => {
    const decision = plan(inputOf(world))
    expect(decision).toMatchObject({ steps: [], trouble: { reason, message: expect.stringContaining(message) } })
    expect(decision.memory).toBe(decision.afterwards)
  })

  it('where the host is not declared', () => {
    expect(plan({ ...inputOf({}), host: undefined })).toMatchObject({ steps: [], trouble: { reason: 'HostNotFound' } })
  })

  it('while it is suspended, and it is still seen', () => {
    const decision = plan(inputOf({ spec: { suspend: true } }))
    expect(decision).toMatchObject({ steps: [], trouble: undefined, judgements: [{ state: 'missing' }] })
  })
})
