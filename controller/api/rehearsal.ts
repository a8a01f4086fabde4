import { keyOf } from '../../crds/contract/resource.ts'
import type { KindName, Resource } from '../../crds/kinds.ts'
import { ingredients } from '../dependents.ts'
import type { Decision, Step } from '../kinds/feed/decision.ts'
import { gather } from '../kinds/feed/gather.ts'
import type { FeedInput } from '../kinds/feed/input.ts'
import { plan } from '../kinds/feed/plan.ts'
import { strategyShown } from '../kinds/feed/strategy.ts'
import type { Ports } from '../kinds/reconcile.ts'
import { targetOf } from '../kinds/stack/decision.ts'
import { gather as gatherStack } from '../kinds/stack/gather.ts'
import { plan as planStack } from '../kinds/stack/plan.ts'
import type { Declared, DeclaredStore } from '../store/declared.ts'
import type { PlanView } from './contract.ts'

/** Plans what the given resources would lead to, over what is declared now, and carries nothing out. */
export async function rehearse(resources: Resource[], ports: Ports): Promise<PlanView[]> {
  const declared = overlay(resources, ports.store.declared)
  const keys = touchedFeeds(resources, declared, ports.store.declared)
  const secrets = { ...ports.secrets, read: ports.secrets.readAside }
  const stacks = touchedStacks(resources, ports.store.declared)
  return Promise.all([
    ...keys.map(key => rehearseFeed(key, { ...ports, declared, secrets })),
    ...stacks.map(key => rehearseStack(key, { ...ports, declared })),
  ])
}

async function rehearseFeed(key: string, ports: Ports): Promise<PlanView> {
  const input = await gather(key, ports, ports.tokenOf, AbortSignal.timeout(10_000))
  const decision = plan(input)
  return {
    ...{ kind: 'Feed', key, steps: decision.steps.map(stepView), violations: violationsOf(decision) },
    ...strategyView(input, decision),
  }
}

function strategyView(input: FeedInput, { memory }: Decision): Pick<PlanView, 'strategy'> {
  const { rollout, serving } = memory
  if (!rollout || !serving || rollout.container === serving.container) return {}
  const { strategy, reason } = strategyShown(input, memory)
  return { strategy: { name: strategy, reason } }
}

async function rehearseStack(key: string, ports: Ports): Promise<PlanView> {
  const { store, declared } = ports
  const isPlaced = store.declared.get('Stack', key) !== undefined
  if (!isPlaced) return { kind: 'Stack', key, steps: [], violations: [notPlaced] }
  const input = await gatherStack(key, { ...ports, declared, onStatus: () => undefined }, AbortSignal.timeout(30_000))
  const { steps, trouble } = planStack(input)
  return {
    ...{ kind: 'Stack', key },
    steps: steps.map(step => ({ action: step.action, target: targetOf(step), reason: step.reason })),
    violations: trouble ? [{ reason: trouble.reason, message: trouble.message }] : [],
  }
}

/** The paths of its files begin at the file that declares it, which the question does not name. */
const notPlaced = {
  reason: 'StackNotDeclared',
  message:
    'the controller has not read the file that declares it, so it cannot find the Compose files: declare it, and ask again',
}

function stepView(step: Step): PlanView['steps'][number] {
  return { action: step.action, target: placeOf(step), reason: step.reason }
}

function placeOf(step: Step): string {
  if (step.action === 'PullImage') return step.reference
  if (step.action === 'ReleaseNetwork') return step.host
  return step.action === 'Rename' ? `${step.container} -> ${step.to}` : step.container
}

function violationsOf({ aim }: Decision): PlanView['violations'] {
  if (aim?.why !== 'held') return []
  const { reason, message, path } = aim.violation
  return [{ reason, message, ...(path !== undefined && { path }) }]
}

function overlay(resources: Resource[], store: DeclaredStore): Pick<DeclaredStore, 'get'> {
  const over = new Map(resources.map(resource => [`${resource.kind}/${keyOf(resource.metadata)}`, resource]))
  return {
    get: <K extends KindName>(kind: K, key: string) => {
      const present = store.get(kind, key)
      const resource = over.get(`${kind}/${key}`) as Resource<K> | undefined
      if (!resource) return present
      return {
        resource,
        generation: (present?.generation ?? 0) + 1,
        origin: present?.origin ?? { file: '', line: 0 },
      } as Declared<K>
    },
  }
}

/** Stacks among the resources, and those on a host among them; with no resources, every declared one. */
function touchedStacks(resources: Resource[], store: DeclaredStore): string[] {
  const ids = new Set(resources.map(resource => `${resource.kind}/${keyOf(resource.metadata)}`))
  const present = store
    .list('Stack')
    .filter(({ resource: { metadata, spec } }) => resources.length === 0 || ids.has(`Host/${metadata.namespace}/${spec.hostRef}`))
    .map(({ resource }) => keyOf(resource.metadata))
  const own = resources.filter(({ kind }) => kind === 'Stack').map(({ metadata }) => keyOf(metadata))
  return [...new Set([...own, ...present])].sort()
}

/** Feeds among the resources, and feeds made from one of them; with no resources, every declared feed. */
function touchedFeeds(resources: Resource[], declared: Pick<DeclaredStore, 'get'>, store: DeclaredStore): string[] {
  const all = store.list('Feed')
  if (resources.length === 0) return all.map(({ resource }) => keyOf(resource.metadata))
  const ids = new Set(resources.map(resource => `${resource.kind}/${keyOf(resource.metadata)}`))
  const own = resources.filter(({ kind }) => kind === 'Feed').map(({ metadata }) => keyOf(metadata))
  const made = all.filter(feed => {
    const { namespace } = feed.resource.metadata
    const profile = declared.get('FeedProfile', `${namespace}/${feed.resource.spec.profileRef}`)
    return ingredients(feed, profile).some(id => ids.has(id))
  })
  return [...new Set([...own, ...made.map(({ resource }) => keyOf(resource.metadata))])].sort()
}
