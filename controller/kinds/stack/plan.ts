import { keyOf } from '../../../crds/contract/resource.ts'
import type { StackSpec } from '../../../crds/stack.ts'
import type { Placement, StackMemory } from '../../store/stack.ts'
import { normal } from '../feed/decision.ts'
import { firstTrouble } from './checks.ts'
import type { StackDecision, StackStep } from './decision.ts'
import { containersIn, type StackInput, servicesIn } from './input.ts'
import { type Judgement, judge, mendedMs } from './judgement.ts'
import { retire } from './retirement.ts'
import { isUnmanaged, managedOf, reloadSignalOf } from './selection.ts'

/** How often what starts is looked at, in ms. */
const startingMs = 1000

/**
 * Decides what to do about a Stack: a pure function of what is declared and observed now.
 *
 * - Something is wrong with its declaration, or the engine does not answer: nothing.
 * - A service is not there, or is declared otherwise, or has ended: Compose brings it up, and it alone.
 * - Its health check has failed for too long: it is restarted.
 * - A file that it binds has changed, and it says how to tell it: it is told.
 * - A service is no longer declared, and this Stack ran it: its containers are removed.
 */
export function plan(input: StackInput): StackDecision {
  const { declared } = input
  if (!declared) return withElsewhere(input, { ...nothing(input), gone: input.elsewhere.length === 0 })
  const trouble = firstTrouble(input)
  if (trouble) return { ...nothing(input), trouble, judgements: judgementsOf(input) }
  if (declared.resource.spec.suspend) return { ...nothing(input), judgements: judgementsOf(input) }
  return withElsewhere(input, converge(input, declared.resource.spec))
}

function nothing({ memory }: StackInput): StackDecision {
  const none = { trouble: undefined, judgements: [], steps: [], outcomes: [], wakeMs: undefined, gone: false }
  return { ...none, memory, afterwards: memory }
}

/** Also where nothing is done, so that the status shows what runs. */
function judgementsOf(input: StackInput): Judgement[] {
  const { declared, memory, now } = input
  if (!declared || !Array.isArray(input.here?.containers)) return []
  const { spec } = declared.resource
  const containers = containersIn(input.here)
  return managedOf(servicesIn(input), spec).map(service =>
    judge(
      service,
      containers.filter(container => container.service === service.name),
      { memory, spec, now },
    ),
  )
}

function converge(input: StackInput, spec: StackSpec): StackDecision {
  const judgements = judgementsOf(input)
  const placement = placementOf(input, spec, judgements)
  const memory = { ...input.memory, ...noted(input, judgements), placements: [placement, ...othersOf(input)] }
  const due = judgements.filter(({ need }) => need && need.dueAt <= input.now)
  const mended = [...restartSteps(placement, due), ...reloadSteps(input, placement, judgements, due)]
  const steps = [...mended, ...upStep(placement, due), ...pruneSteps(input, spec, placement)]
  return {
    ...{ trouble: undefined, judgements, memory, steps, gone: false },
    afterwards: afterSteps(input, memory, judgements, steps),
    outcomes: steps.map(outcomeOf),
    wakeMs: wakeOf(input, judgements),
  }
}

/** What ran before and is not declared any more stays among the services until it is removed: only so may it be. */
function placementOf(input: StackInput, spec: StackSpec, judgements: Judgement[]): Placement {
  const { here, declared } = input
  const unmanaged = servicesIn(input).filter(isUnmanaged)
  const kept = (here?.placement.services ?? []).filter(
    name => containersIn(here).some(({ service }) => service === name) && !unmanaged.some(service => service.name === name),
  )
  const services = [...new Set([...judgements.map(({ service }) => service.name), ...kept])].sort()
  const host = keyOf({ namespace: declared?.resource.metadata.namespace ?? '', name: spec.hostRef })
  return { host, project: spec.project, services, deletionPolicy: spec.deletionPolicy }
}

const othersOf = ({ elsewhere }: StackInput): Placement[] => elsewhere.map(({ placement }) => placement)

/** What is remembered of services that are declared: repairs are forgotten when they have lasted. */
function noted(input: StackInput, judgements: Judgement[]): Pick<StackMemory, 'accepted' | 'repairs' | 'configurations'> {
  const { memory, now, configurations } = input
  const names = new Set(judgements.map(({ service }) => service.name))
  const ofDeclared = <T>(record: Record<string, T>) =>
    Object.fromEntries(Object.entries(record).filter(([name]) => names.has(name)))
  return {
    accepted: ofDeclared(memory.accepted),
    repairs: Object.fromEntries(judgements.flatMap(judgement => repairOf(judgement, memory, now))),
    configurations: { ...ofDeclared(configurations), ...ofDeclared(memory.configurations) },
  }
}

function repairOf(
  { service, ready, need }: Judgement,
  { repairs }: StackMemory,
  now: number,
): [string, StackMemory['repairs'][string]][] {
  const before = repairs[service.name]
  if (need?.act === 'restart')
    return [[service.name, { count: 0, at: 0, ...before, unhealthySince: before?.unhealthySince ?? now }]]
  if (!before || (ready && now - before.at > mendedMs)) return []
  const { unhealthySince: _over, ...repair } = before
  return repair.count === 0 ? [] : [[service.name, repair]]
}

function upStep(placement: Placement, due: Judgement[]): StackStep[] {
  const ups = due.filter(({ need }) => need?.act === 'up')
  if (ups.length === 0) return []
  const reason = ups.map(({ service, need }) => `${service.name}: ${need?.reason}`).join('; ')
  return [{ action: 'ComposeUp', placement, services: ups.map(({ service }) => service.name), reason }]
}

function restartSteps(placement: Placement, due: Judgement[]): StackStep[] {
  return due
    .filter(({ need }) => need?.act === 'restart')
    .map(({ service, containers, need }) => {
      const unwell = containers.filter(({ health }) => health === 'unhealthy')
      return { action: 'Restart', placement, containers: unwell, reason: `${service.name}: ${need?.reason}` }
    })
}

/** One that is started in this look reads the newest files by itself. */
function reloadSteps(
  { memory, configurations }: StackInput,
  placement: Placement,
  judgements: Judgement[],
  due: Judgement[],
): StackStep[] {
  return judgements.flatMap(judgement => {
    const { service, containers, state } = judgement
    const signal = reloadSignalOf(service)
    const before = memory.configurations[service.name]
    const isSame = before === undefined || before === configurations[service.name]
    if (signal === undefined || isSame || state !== 'running' || due.includes(judgement)) return []
    return [{ action: 'Reload', placement, containers, signal, reason: `${service.name}: a file that it reads has changed` }]
  })
}

/** Only services that this Stack ran: a container that somebody else has put into the project is a stranger's. */
function pruneSteps(input: StackInput, spec: StackSpec, placement: Placement): StackStep[] {
  const declared = new Set(managedOf(servicesIn(input), spec).map(({ name }) => name))
  const orphans = containersIn(input.here).filter(({ service }) => placement.services.includes(service) && !declared.has(service))
  if (!spec.prune || orphans.length === 0) return []
  const names = [...new Set(orphans.map(({ service }) => service))].sort()
  return [{ action: 'Prune', placement, containers: orphans, reason: `${names.join(', ')}: no longer declared` }]
}

/** What is remembered once these steps have been carried out. */
export function afterSteps(input: StackInput, memory: StackMemory, judgements: Judgement[], steps: StackStep[]): StackMemory {
  const begun = new Set(steps.flatMap(servicesOf))
  const fresh = Object.entries(input.configurations).filter(([name]) => begun.has(name))
  const isRepaired = ({ need, state }: Judgement) => need?.act === 'restart' || state === 'exited' || state === 'dead'
  const repaired = judgements.filter(judgement => begun.has(judgement.service.name) && isRepaired(judgement))
  return {
    ...memory,
    configurations: { ...memory.configurations, ...Object.fromEntries(fresh) },
    repairs: {
      ...memory.repairs,
      ...Object.fromEntries(
        repaired.map(({ service: { name } }) => [name, { count: (memory.repairs[name]?.count ?? 0) + 1, at: input.now }]),
      ),
    },
  }
}

/** Services that read their files anew by this step. */
function servicesOf(step: StackStep): string[] {
  if (step.action === 'ComposeUp') return step.services
  return step.action === 'Restart' || step.action === 'Reload' ? step.containers.map(({ service }) => service) : []
}

const outcomes = {
  ComposeUp: 'ServicesBroughtUp',
  Restart: 'ServiceRestarted',
  Reload: 'ServiceReloaded',
  Prune: 'ServicesPruned',
  RemoveNetworks: 'StackRemoved',
} as const

/** What is told of a step that was carried out. */
export const outcomeOf = ({ action, reason }: StackStep) => normal(outcomes[action], reason)

function wakeOf({ now }: StackInput, judgements: Judgement[]): number | undefined {
  const waits = judgements.flatMap(({ need, starting }) => {
    if (starting) return [startingMs]
    return need && need.dueAt > now ? [need.dueAt - now] : []
  })
  return waits.length > 0 ? Math.min(...waits) : undefined
}

function withElsewhere(input: StackInput, decision: StackDecision): StackDecision {
  return input.elsewhere.reduce(retire, decision)
}
