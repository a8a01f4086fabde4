import type { PlanView, ResourceView } from '../../api/contract.ts'
import { isUnreachable } from '../answer.ts'
import { checklistOf, type Sight } from '../checklist.ts'
import type { Context } from '../context.ts'
import { type ExitCode, ExitError, exitCodes } from '../exit.ts'
import { feedKeys, within } from '../feedkeys.ts'
import { asFeed, type FeedView } from '../health.ts'
import { type PreflightReport, preflightMetrics, preflightReport, renderPreflight } from '../preflightreport.ts'
import { pushed } from '../pushgateway.ts'
import { resourceOf } from '../reference.ts'

export type PreflightOptions = { strict?: boolean; timeout: string; push?: string; output: 'text' | 'json' }

/** The pre-market checklist: exit 0 go, 1 no go, 2 trouble. Needs no terminal, changes nothing, and ends within `--timeout`. */
export async function preflight(context: Context, names: string[], options: PreflightOptions): Promise<ExitCode> {
  const { terminal } = context
  const report = await inspect(within(context, 'pre-flight', options.timeout), names, options)
  terminal.out(renderPreflight(report, options.output, terminal))
  const group = { job: 'feedctl_preflight', ...(names.length > 0 && { selection: names.join(',') }) }
  const isTold = await pushed(context, options.push, group, preflightMetrics(report))
  return report.go && isTold ? exitCodes.ok : exitCodes.negative
}

/** Goes through the list of each feed that is named; of all where none is. */
export async function inspect(
  context: Context,
  names: string[],
  { strict = false }: Pick<PreflightOptions, 'strict'>,
): Promise<PreflightReport> {
  const keys = await feedKeys(context, names)
  const shared = await readShared(context)
  const feeds = await Promise.all(keys.map(async key => ({ feed: key, checks: checklistOf(await look(context, key, shared)) })))
  return preflightReport(context.terminal.now(), feeds, strict)
}

type Shared = Record<'hosts' | 'profiles' | 'credentials' | 'drills', ResourceView[]> & { plans: PlanView[] }

async function readShared({ controller }: Context): Promise<Shared> {
  const [hosts, profiles, credentials, drills, plans] = await Promise.all([
    controller.resources({ kind: 'Host' }),
    controller.resources({ kind: 'FeedProfile' }),
    controller.resources({ kind: 'Credentials' }),
    controller.resources({ kind: 'FailoverDrill' }),
    controller.plan([]),
  ])
  return { hosts, profiles, credentials, drills, plans }
}

async function look(context: Context, key: string, shared: Shared): Promise<Sight> {
  const { controller, terminal } = context
  const whyNot = (error: unknown): string => {
    if (error instanceof ExitError && !context.signal.aborted && !isUnreachable(error)) return error.message
    throw error
  }
  const feed = asFeed(await resourceOf(context, 'Feed', key))
  const askedAt = terminal.now()
  const facts = await controller.preflight(key).catch(whyNot)
  const answeredAt = terminal.now()
  const calendar = await controller.calendar(key, { days: 1 }).catch(whyNot)
  const near = (views: ResourceView[]) => views.filter(({ metadata }) => metadata.namespace === feed.metadata.namespace)
  return {
    ...{ feed, facts, calendar, askedAt, answeredAt },
    host: near(shared.hosts).find(({ metadata }) => metadata.name === feed.spec.hostRef),
    credentials: near(shared.credentials).filter(({ metadata }) =>
      accountsOf(feed, near(shared.profiles)).includes(metadata.name),
    ),
    drills: near(shared.drills).filter(({ spec }) => spec.feedRef === feed.metadata.name),
    plan: shared.plans.find(one => one.key === key),
  }
}

/** Names of the Credentials that it needs. */
function accountsOf({ spec }: FeedView, profiles: ResourceView[]): string[] {
  const profile = profiles.find(({ metadata }) => metadata.name === spec.profileRef)
  const bus = (profile?.spec.publish as { credentialsRef?: string } | undefined)?.credentialsRef
  return [spec.credentials.primary, spec.credentials.backup, bus].filter(name => name !== undefined)
}
