import type { CalendarView } from '../../crds/contract/calendar.ts'
import { keyOf } from '../../crds/contract/resource.ts'
import type { PlanView, PreflightFacts, ResourceView } from '../api/contract.ts'
import { millisecondsOf } from '../runtime/duration.ts'
import { asDrill } from './drillpage.ts'
import { renderSpan } from './duration.ts'
import { conditionOf, type FeedView, hasWarmStandby, sentence } from './health.ts'
import { percent } from './subscriptionpage.ts'

/** Everything that the pre-market checklist of one feed rests on, read once. */
export type Sight = {
  feed: FeedView
  /** Its host, accounts and bus credentials, as far as they are declared. */
  host: ResourceView | undefined
  credentials: ResourceView[]
  drills: ResourceView[]
  /** What the controller would do, and why it cannot. */
  plan: PlanView | undefined
  /** The controller's own look, or why it could not be had. */
  facts: PreflightFacts | string
  /** The feed's own word; a text where it does not run, or does not answer. */
  calendar: CalendarView | string
  /** When the facts were asked for and had, by the clock of this machine. */
  askedAt: number
  answeredAt: number
}

const levels = ['no-go', 'warning', 'ok'] as const
export type CheckLevel = (typeof levels)[number]

/** One line of the checklist: what was looked at, what was seen, and where it is not well what to do about it. */
export type CheckResult = { check: CheckName; level: CheckLevel; evidence: string; todo?: string }

type Finding = Omit<CheckResult, 'check'>
type Check = (sight: Sight) => Finding

/** In the order in which an operator reads them: what comes first often explains what follows. */
const checks = {
  declaration: lookAtDeclaration,
  credentials: lookAtCredentials,
  engine: lookAtEngine,
  fronts: lookAtFronts,
  bus: lookAtBus,
  disk: lookAtDisk,
  clock: lookAtClock,
  calendar: lookAtCalendar,
  standby: lookAtStandby,
  drill: lookAtDrill,
} as const satisfies Record<string, Check>

export type CheckName = keyof typeof checks
export const checkNames = Object.keys(checks) as CheckName[]

/** Shares of the disk that are left: the alert is at the first, and at the second the next hours are not certain. */
const diskWarning = 0.1
const diskNoGo = 0.03

/** Clocks that are further apart, in ms. An engine tells its time to within a second. */
const skewWarningMs = 2000
const skewNoGoMs = 10_000

/** Goes through the whole list, whatever is found. Pure. */
export function checklistOf(sight: Sight): CheckResult[] {
  return checkNames.map(check => ({ check, ...checks[check](sight) }))
}

/** Go, or no go: what is warned of keeps nobody from trading, unless `strict`. */
export function isGo(results: Pick<CheckResult, 'level'>[], strict: boolean): boolean {
  return results.every(({ level }) => level === 'ok' || (level === 'warning' && !strict))
}

/** What a front that is switched on, a server or an engine that is started ends, without anybody's edit. */
const endsByItself = new Set<CheckName>(['engine', 'fronts', 'bus'])

/** Whether it is worth waiting: all that stands in the way may end by itself. */
export function mayBecomeGo(results: CheckResult[], strict: boolean): boolean {
  return results.every(result => isGo([result], strict) || endsByItself.has(result.check))
}

const ok = (evidence: string): Finding => ({ level: 'ok', evidence })
const warn = (evidence: string, todo: string): Finding => ({ level: 'warning', evidence, todo })
const noGo = (evidence: string, todo: string): Finding => ({ level: 'no-go', evidence, todo })

const nameOf = ({ feed }: Sight) => keyOf(feed.metadata)

function lookAtDeclaration(sight: Sight): Finding {
  const { feed, plan } = sight
  const source = conditionOf(feed, 'SourceValid')
  if (source?.status === 'False') return noGo(sentence(source), `feedctl validate ${feed.origin?.file ?? 'MANIFESTS'}`)
  const [violation] = plan?.violations ?? []
  if (violation) return noGo(`${violation.reason}: ${violation.message}`, `correct ${violation.path ?? 'it'}, then feedctl diff`)
  if (feed.spec.suspend) return warn('suspended: nothing is started and nothing repaired', `feedctl resume ${nameOf(sight)}`)
  const steps = plan?.steps.length ?? 0
  return ok(steps === 0 ? 'in force as it is declared' : `valid; ${steps} steps are still to be done`)
}

/** Of both accounts and the bus: half an account is a mistake, be it the backup's. */
function lookAtCredentials({ credentials }: Sight): Finding {
  const bad = credentials.find(one => conditionOf(one, 'Ready')?.status !== 'True')
  if (!bad) return ok(`every secret of ${credentials.map(({ metadata }) => metadata.name).join(', ')} was read`)
  const ready = conditionOf(bad, 'Ready')
  const words = ready ? sentence(ready) : 'not looked at yet'
  return noGo(`${bad.metadata.name}: ${words}`, `feedctl describe credentials ${keyOf(bad.metadata)}`)
}

function lookAtEngine({ feed, host, facts }: Sight): Finding {
  const todo = `feedctl describe host ${feed.metadata.namespace}/${feed.spec.hostRef}`
  const ready = host && conditionOf(host, 'Ready')
  if (ready?.status !== 'True') return noGo(ready ? sentence(ready) : `Host ${feed.spec.hostRef} is not declared`, todo)
  if (typeof facts === 'string') return noGo(facts, 'feedctl status')
  return 'error' in facts.engine ? noGo(facts.engine.error, todo) : ok(ready.message)
}

/** One front of the account that shall publish is enough; the other account is a matter of the standby. */
function lookAtFronts({ feed, facts }: Sight): Finding {
  if (typeof facts === 'string') return noGo(facts, 'feedctl status')
  const { active } = feed.spec.credentials
  const { fronts } = facts
  if (fronts.length === 0) return ok('no front is needed')
  const dead = fronts.filter(({ error }) => error !== undefined)
  const words = dead.map(({ account, address, error }) => `${address} of ${account}: ${error}`).join(', ')
  const own = fronts.filter(({ account }) => account === active)
  const isCut = own.length > 0 && own.every(({ error }) => error !== undefined)
  if (isCut) return noGo(`no front of ${active} takes a connection: ${words}`, 'ask the broker; see the way there')
  return dead.length > 0 ? warn(words, 'ask the broker; see the way there') : ok(`${fronts.length} take a connection`)
}

function lookAtBus({ facts }: Sight): Finding {
  if (typeof facts === 'string') return noGo(facts, 'feedctl status')
  const { servers } = facts
  if (servers.length === 0) return ok('nothing is published to a bus')
  const dead = servers.filter(({ error }) => error !== undefined)
  const words = dead.map(({ address, error }) => `${address}: ${error}`).join(', ')
  if (dead.length === servers.length) return noGo(`no server takes a connection: ${words}`, 'docker compose ps nats')
  return dead.length > 0 ? warn(words, 'docker compose ps nats') : ok(`${servers.length} take a connection`)
}

function lookAtDisk({ facts }: Sight): Finding {
  if (typeof facts === 'string') return noGo(facts, 'feedctl status')
  const { availableBytes, sizeBytes } = facts.disk
  const share = sizeBytes === 0 ? 1 : availableBytes / sizeBytes
  const words = `${percent(share)} of the disk of the controller's state is left`
  const todo = 'docker system df; remove what nobody needs'
  if (share < diskNoGo) return noGo(words, todo)
  return share < diskWarning ? warn(words, todo) : ok(words)
}

/** This machine's clock, the controller's and the engine's. The controller's answer came from between the asking and the answer. */
function lookAtClock({ facts, askedAt, answeredAt }: Sight): Finding {
  if (typeof facts === 'string') return noGo(facts, 'feedctl status')
  const own = facts.at < askedAt ? askedAt - facts.at : Math.max(0, facts.at - answeredAt)
  const engine = 'skewMs' in facts.engine ? Math.abs(facts.engine.skewMs) : 0
  const words = `controller ${Math.round(own)} ms from this machine, engine ${Math.round(engine)} ms from the controller`
  const worst = Math.max(own, engine)
  const todo = 'synchronise the clocks (chrony); a session begins by the clock'
  if (worst > skewNoGoMs) return noGo(words, todo)
  return worst > skewWarningMs ? warn(words, todo) : ok(words)
}

function lookAtCalendar(sight: Sight): Finding {
  const { calendar } = sight
  if (typeof calendar === 'string') return warn(`not known: ${calendar}`, 'it is told once the feed runs')
  const { horizon, type, tradingDay } = calendar
  if (type === 'always') return ok('always in session')
  const words = `trading day ${tradingDay}; holidays are known until ${horizon.knownUntil}, ${horizon.days} trading days`
  const todo = 'a calendar with the next year, or calendar.overrides'
  if (horizon.days === 0) return noGo(words, todo)
  return horizon.isShort ? warn(words, todo) : ok(words)
}

function lookAtStandby(sight: Sight): Finding {
  const { feed } = sight
  const { standby, sessions } = feed.status
  if (feed.spec.credentials.backup === undefined) return warn('no backup account is declared', 'declare spec.credentials.backup')
  if (!hasWarmStandby(feed)) return ok('cold: it is started when it is needed')
  if (sessions === undefined) return ok('it is not running yet')
  const todo = `feedctl describe feed ${nameOf(sight)}`
  if (standby?.state !== 'live') return warn(`the standby is ${standby?.state ?? 'not there'}`, todo)
  const desired = feed.status.subscriptions?.desired ?? standby.acknowledged
  const coverage = desired === 0 ? 1 : standby.acknowledged / desired
  const words = `${standby.account} is live, ${standby.acknowledged} of ${desired} acknowledged`
  return coverage < feed.spec.rollout.minCoverage ? warn(words, todo) : ok(words)
}

function lookAtDrill(sight: Sight): Finding {
  const { feed, answeredAt } = sight
  const drills = sight.drills.map(asDrill)
  if (feed.spec.credentials.backup === undefined) return ok('there is nothing to fail over to')
  if (drills.length === 0) return warn('no FailoverDrill is declared: failover is not proven', 'docs/concepts/drills.md')
  const passed = drills.filter(({ status }) => status.lastPassAt !== undefined)
  const newest = passed.toSorted((a, b) => Date.parse(b.status.lastPassAt ?? '') - Date.parse(a.status.lastPassAt ?? ''))[0]
  const todo = `feedctl drill ${keyOf((newest ?? drills[0] ?? feed).metadata)} --wait`
  if (!newest) return warn('no drill has passed yet', todo)
  const ageMs = answeredAt - Date.parse(newest.status.lastPassAt ?? '')
  const words = `${newest.metadata.name} passed ${renderSpan(ageMs)} ago`
  return ageMs > millisecondsOf(newest.spec.overdueAfter) ? warn(`${words}, which is too long`, todo) : ok(words)
}
