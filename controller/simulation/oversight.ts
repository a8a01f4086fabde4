import { parseResourceId } from '../resourceid.ts'
import type { KeyQueue } from '../runtime/queue.ts'
import type { Rollout } from '../store/memory.ts'
import { type FeedName, feedNames, imageReference, keyOf, namespace } from './declaration.ts'
import { isStranger } from './disaster.ts'
import type { SimulatedFeed } from './feed.ts'
import type { Observer } from './incumbent.ts'
import type { SimulatedWorkload } from './workload.ts'
import { canary, type World } from './world.ts'

/** What must hold at every moment. `convergence.ts` has what must hold at the end. */
export const lastingInvariants = {
  'one-publisher': 'an epoch of a feed has one publisher, for ever',
  'epochs-grow': 'the epoch that the controller remembers of a feed never falls, not even by deleting it',
  'feed-epochs-grow': 'no feed process takes over a lower epoch than it had',
  'strangers-untouched': 'what does not carry our label stays as it was made',
  'publisher-kept': 'what serves a feed that is wanted, and publishes, is not removed',
  'declared-kept': 'a feed whose declaration nobody took away stays declared, whatever the source suffers',
  'last-good-kept': 'the revision that serves, and a good one where there was one, are never forgotten',
  'logins-allowed': 'no handover is begun while an account of the feed allows one login',
  'suspended-untouched': 'nothing is written for a suspended feed, but a gate on its way arrives',
  'stopped-stays-stopped': 'of a feed that is declared Stopped nothing is made, started or told',
  'inventory-first': 'a host is remembered before anything is made there',
  'owner-marked': 'whatever is made carries the name of its owner',
  'secrets-kept': 'no secret in an event, a status, a label, an environment, a log line',
  'memory-bounded': 'queue and revisions have bounds',
  'no-busy-loop': 'no key is looked at without end',
  'no-surprise': 'no error that nobody foresaw',
} as const

export type InvariantName = keyof typeof lastingInvariants

export type Violation = { invariant: string; message: string }

export type Oversight = Observer & {
  /** The first violation. */
  violation: Violation | undefined
  /** To be called after each step. */
  check(queue: KeyQueue): void
  /** Writes to engines and feeds so far. */
  writes: number
  /** Keys whose last look ended in an error: they wait for another one, up to 5 minutes by their back-off. */
  troubled: Set<string>
}

/** Looks at one key in a minute: four a second while a rollout waits, doubled, and what edits and hints add. */
const maxLooksPerMinute = 900

/** A look that began before an edit may be carried out so much later, in ms. */
const lookMs = 60_000

/** After a deletion, a removal that hangs may land so much later, in ms. */
const removalMs = 120_000

/** `revisionHistoryLimit` of the declaration, the serving, rolling, failed and pinned ones, and the newest good one. */
const maxRevisions = 4 + 5

/** What a feed that is declared Stopped may see. */
const endingVerbs = new Set(['stop', 'remove'])

/** Three feeds and what they refer to. */
const maxKeys = 16

export function openOversight(world: World): Oversight {
  const { scheduler, trace, engines, feeds, wishes, view } = world
  const publishers = new Map<string, string>()
  const epochs = new Map<string, number>()
  const accepted = new Map<string, number>()
  const strangers = new Map<SimulatedWorkload, string>()
  const marked = new WeakSet<SimulatedWorkload>()
  const suspended = new Set<string>()
  const stopped = new Set<string>()
  const looks = new Map<string, { minute: number; count: number }>()
  const everGood = new Set<string>()
  const undeclaredAt = new Map<FeedName, number>()
  const everDeclared = new Set<FeedName>()
  const checked = { disk: -1, twoLoginsAt: 0 }
  const handovers = new Set<string>()

  const violate = (invariant: InvariantName, message: string) => {
    if (oversight.violation) return
    oversight.violation = { invariant, message }
    trace.add('VIOLATION', `${invariant}: ${message}`)
  }
  const tell = (where: string, text: string) => {
    if (text.includes(canary)) violate('secrets-kept', `${where}: ${text}`)
  }
  const isWanted = (name: FeedName) => {
    const gone = undeclaredAt.get(name)
    return wishes.get(name)?.isDeclared === true && (gone === undefined || scheduler.now() - gone > removalMs)
  }

  const checkPublishers = () => {
    for (const feed of feeds.running.values()) {
      if (!feed.isPublishing || !feed.gate) continue
      const id = `${feed.desired.feed} ${feed.gate.epoch}`
      const who = `${feed.workload.id} ${feed.gate.account}`
      const before = publishers.get(id) ?? who
      if (before !== who)
        violate(
          'one-publisher',
          `epoch ${feed.gate.epoch} of ${feed.desired.feed}: ${before}, and now ${who} (${feed.workload.name})`,
        )
      publishers.set(id, who)
    }
  }
  const checkStrangers = () => {
    for (const engine of engines.values())
      for (const workload of engine.workloads.values()) {
        if (!isStranger(workload)) continue
        const now = JSON.stringify([workload.name, workload.state, [...workload.files]])
        const before = strangers.get(workload) ?? now
        if (before !== now) violate('strangers-untouched', `${before} became ${now}`)
        strangers.set(workload, before)
      }
  }
  const checkHandover = (key: string, rollout: Rollout | undefined) => {
    if (rollout?.strategy !== 'Handover') return
    const id = `${key} ${rollout.revision} ${rollout.startedAt}`
    const isNew = !handovers.has(id)
    handovers.add(id)
    if (isNew && scheduler.now() - checked.twoLoginsAt > lookMs)
      violate('logins-allowed', `${key} hands over to ${rollout.container}, and its account allows one login`)
  }
  const checkDisk = () => {
    if (view.logins(`${namespace}/main`) !== 1) checked.twoLoginsAt = scheduler.now()
    for (const [name, wish] of wishes) {
      const key = keyOf(name)
      if (!wish.isDeclared) undeclaredAt.set(name, scheduler.now())
      const memory = view.memory(key)
      const epoch = view.epoch(key)
      const before = epochs.get(key) ?? 0
      if (epoch < before) violate('epochs-grow', `${key}: ${before} -> ${epoch}`)
      epochs.set(key, epoch)
      const isDeclared = view.declared(key) !== undefined
      if (isDeclared) everDeclared.add(name)
      else if (everDeclared.has(name) && isWanted(name) && !undeclaredAt.has(name)) violate('declared-kept', `${key} is gone`)
      const revisions = view.revisions(key)
      if (revisions.length > maxRevisions) violate('memory-bounded', `${key} has ${revisions.length} revisions`)
      if (!memory) {
        everGood.delete(key)
        continue
      }
      const { serving, rollout } = memory
      checkHandover(key, rollout)
      if (serving && !revisions.some(({ number }) => number === serving.revision))
        violate('last-good-kept', `${key} serves revision ${serving.revision}, which is forgotten`)
      const isGood = revisions.some(({ state }) => state === 'good')
      if (everGood.has(key) && !isGood && revisions.length > 0) violate('last-good-kept', `${key} has no good revision any more`)
      if (isGood) everGood.add(key)
    }
  }

  const oversight: Oversight = {
    violation: undefined,
    writes: 0,
    troubled: new Set(),
    onWrite({ to, verb, target }) {
      // To ask a registry for an image that it does not have changes nothing.
      if (verb !== 'pullImage' || target !== imageReference('missing')) oversight.writes++
      const found = [...engines.values()].flatMap(({ workloads }) => [...workloads.values()])
      const workload =
        to === 'feed' ? found.find(({ id }) => target === `sim://${id}`) : engines.get(to as 'h1')?.workloads.get(target)
      const name = feedNames.find(candidate => (workload?.name ?? target).startsWith(`${namespace}-${candidate}-`))
      if (!name) return
      const key = keyOf(name)
      if (suspended.has(key)) violate('suspended-untouched', `${verb} ${target} of ${key}`)
      if (stopped.has(key) && !endingVerbs.has(verb)) violate('stopped-stays-stopped', `${verb} ${target} of ${key}`)
      if (verb === 'create' && !view.memory(key)?.hosts.includes(to))
        violate('inventory-first', `${target} is made on ${to}, which ${key} does not remember`)
      if (verb === 'remove' && workload && isWanted(name)) checkRemoval(key, workload)
    },
    onLook(id) {
      const minute = Math.floor(scheduler.now() / 60_000)
      const count = (looks.get(id)?.minute === minute ? (looks.get(id)?.count ?? 0) : 0) + 1
      looks.set(id, { minute, count })
      if (count > maxLooksPerMinute) violate('no-busy-loop', `${id}: ${count} looks in a minute`)
      const key = parseResourceId(id)?.key ?? ''
      if (!id.startsWith('Feed/')) return
      const { isSuspended = false, isStopped = false } = view.declared(key) ?? {}
      if (isSuspended && !view.memory(key)?.rollout?.movesGate) suspended.add(key)
      else suspended.delete(key)
      if (isStopped && !isSuspended) stopped.add(key)
      else stopped.delete(key)
    },
    onResult(id, result) {
      if (result.type === 'error') oversight.troubled.add(id)
      else oversight.troubled.delete(id)
      const text = 'fault' in result ? `${result.type} ${result.fault.reason}: ${result.fault.message}` : result.type
      trace.add('look', `${id} ${text}${result.type === 'after' ? ` ${Math.round(result.delayMs)} ms` : ''}`)
      tell(`result of ${id}`, text)
      if ('fault' in result && result.fault.reason === 'UnexpectedError' && !/disk/.test(result.fault.message))
        violate('no-surprise', `${id}: ${result.fault.message}: ${stackOf(result.fault.cause)}`)
    },
    onEvent(text) {
      trace.add('event', text)
      tell('event', text)
    },
    onStatus(kind, key, { store }) {
      const status = store.status.get(kind as 'Feed', key)
      const ready = status?.conditions?.find(({ type }) => type === 'Ready')
      trace.add('status', `${kind}/${key} Ready=${ready?.status} ${ready?.reason}`)
      tell(`status of ${kind}/${key}`, JSON.stringify(status) ?? '')
    },
    check(queue) {
      checkPublishers()
      checkStrangers()
      checkLabels()
      if (checked.disk !== world.disk.writes) checkDisk()
      checked.disk = world.disk.writes
      for (const [name, wish] of wishes) if (!wish.isDeclared) undeclaredAt.set(name, scheduler.now())
      const { ready, inFlight, waiting } = queue.depth
      if (ready + inFlight + waiting > maxKeys) violate('memory-bounded', `the queue holds ${ready + inFlight + waiting} keys`)
    },
  }

  const checkLabels = () => {
    for (const engine of engines.values())
      for (const workload of engine.workloads.values()) {
        if (isStranger(workload) || marked.has(workload)) continue
        marked.add(workload)
        const { labels, env } = workload.spec
        tell(`labels or environment of ${workload.name}`, JSON.stringify([labels, env]))
        const feed = feedNames.find(name => workload.name.startsWith(`${namespace}-${name}-`))
        if (feed && labels['dev.feedplane.owner'] !== `Feed/${keyOf(feed)}`)
          violate('owner-marked', `${workload.name} carries ${JSON.stringify(labels)}`)
      }
  }
  const checkRemoval = (key: string, workload: SimulatedWorkload) => {
    if (view.memory(key)?.serving?.container !== workload.name) return
    const publishing = [...feeds.running.values()].filter(feed => feed.desired.feed === key && feed.isPublishing)
    const newest = publishing.reduce<SimulatedFeed | undefined>((a, b) => (a && a.epoch >= b.epoch ? a : b), undefined)
    if (newest?.workload === workload) violate('publisher-kept', `${workload.name} publishes for ${key} and is removed`)
  }
  feeds.onAccepted = feed => {
    const { id } = feed.workload
    const before = accepted.get(id) ?? 0
    if (feed.epoch < before) violate('feed-epochs-grow', `${feed.workload.name}: ${before} -> ${feed.epoch}`)
    accepted.set(id, feed.epoch)
    trace.add(
      'feed',
      `${feed.workload.name} epoch ${feed.epoch} revision ${feed.desired.revision} ${feed.desired.live.role} ${feed.active}`,
    )
  }
  return oversight
}

function stackOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message).split('\n').slice(0, 4).join(' | ') : String(cause)
}
