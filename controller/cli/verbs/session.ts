import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { durationMsOf } from '../argument.ts'
import { isGo, mayBecomeGo } from '../checklist.ts'
import { connect } from '../client.ts'
import type { Context } from '../context.ts'
import { type ExitCode, ExitError, exitCodes, refused } from '../exit.ts'
import { feedKeys } from '../feedkeys.ts'
import { exitMetric } from '../healthmetrics.ts'
import { type PreflightReport, preflightMetrics } from '../preflightreport.ts'
import { type PushedMetric, pushed } from '../pushgateway.ts'
import { archive } from '../session/archive.ts'
import { checkpointOf, punctualityOf, type Window } from '../session/checkpoint.ts'
import { addressOf, openStack, type StackModel } from '../session/compose.ts'
import { checkEnvironment, manifestsOf } from '../session/environment.ts'
import { feedsOf, resumeFeeds, stopFeeds, untilReady } from '../session/feeds.ts'
import { runStages, type Stage, StageFailure, type StageRecord } from '../session/stage.ts'
import { inspect } from './preflight.ts'

export const acts = ['start', 'restart', 'stop'] as const
type Act = (typeof acts)[number]

export type SessionOptions = {
  window: Window
  home?: string
  stackEnv?: string
  timeout: string
  archive?: string
  force?: boolean
  strict?: boolean
  push?: string
  data: string
}

/**
 * The trading day's runbook: a JSON line for each stage, and the exit status of the one that failed (`stageCodes`). Needs no terminal, and each stage that
 * waits ends within `--timeout`.
 */
export async function session(context: Context, act: string, names: string[], options: SessionOptions): Promise<ExitCode> {
  const run = await openRun(context, names, options)
  const stages = { start: startStages, restart: restartStages, stop: stopStages }[actOf(act)](run)
  const runbook = `session-${act}`
  const records = await runStages(stages, { runbook, window: options.window }, context.terminal)
  const code = records.at(-1)?.code ?? exitCodes.ok
  if (act !== 'stop' || code !== exitCodes.ok) await tell(run, runbook, records)
  context.signal.throwIfAborted()
  return code
}

function actOf(act: string): Act {
  const found = acts.find(one => one === act)
  if (!found) throw new ExitError(exitCodes.trouble, `session ${act} is nothing`, { hint: `write one of ${acts.join(', ')}` })
  return found
}

/** What the stages of one run hand on to each other. */
type Run = {
  context: Context
  names: string[]
  options: SessionOptions
  stack: Awaited<ReturnType<typeof openStack>>
  model?: StackModel
  preflight?: PreflightReport
  isOnTime?: boolean
}

async function openRun(context: Context, names: string[], options: SessionOptions): Promise<Run> {
  durationMsOf('--timeout', options.timeout)
  const { environment, directory, signal, terminal } = context
  const home = resolve(directory, options.home ?? environment.FEEDPLANE_HOME ?? join(import.meta.dirname, '../../..'))
  const named = environment.FEEDPLANE_ENVIRONMENT
  if (options.stackEnv === undefined && !named)
    throw refused('no environment is named', 'write --stack-env manifests/ENVIRONMENT/stack.env, or set FEEDPLANE_ENVIRONMENT')
  const envFile = resolve(directory, options.stackEnv ?? join(home, 'manifests', named ?? '', 'stack.env'))
  return { context, names, options, stack: await openStack({ home, envFile, environment, onProgress: terminal.err, signal }) }
}

function startStages(run: Run): Stage[] {
  return [
    { name: 'environment', run: () => readEnvironment(run) },
    { name: 'stack', run: () => bringUp(run) },
    { name: 'preflight', run: () => goThroughList(run) },
    { name: 'feeds', run: async () => resumeFeeds(at(run), await keysOf(run)) },
    { name: 'ready', run: async () => untilReady(at(run), await keysOf(run)) },
    { name: 'checkpoint', run: () => holdAgainstClock(run) },
  ]
}

/** Within a session: the feeds are started anew, the stack stays. */
function restartStages(run: Run): Stage[] {
  return [
    { name: 'environment', run: () => readEnvironment(run) },
    { name: 'preflight', run: () => goThroughList(run) },
    {
      name: 'feeds',
      async run() {
        const keys = await keysOf(run)
        const stopped = await stopFeeds(at(run), keys)
        return `${stopped}; ${await resumeFeeds(at(run), keys)}`
      },
    },
    { name: 'ready', run: async () => untilReady(at(run), await keysOf(run)) },
  ]
}

function stopStages(run: Run): Stage[] {
  return [
    { name: 'environment', run: () => readEnvironment(run) },
    { name: 'closed', run: () => seeThatNothingIsOpen(run) },
    { name: 'feeds', run: async () => stopFeeds(at(run), await keysOf(run)) },
    { name: 'archive', run: () => keepSession(run) },
    { name: 'stack', run: () => bringDown(run) },
  ]
}

/** The controller of the stack, within a stage's time. */
function at({ context, model, options }: Run): Context {
  const server = (model && addressOf(model, 'controller')) ?? context.controller.server
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(durationMsOf('--timeout', options.timeout))])
  const manifests = model ? manifestsOf(model) : context.manifests
  return { ...context, signal, manifests, controller: connect(server, signal) }
}

const keysOf = (run: Run) => feedKeys(at(run), run.names)

async function readEnvironment(run: Run): Promise<string> {
  const { model, message } = await checkEnvironment(run.stack, { data: run.options.data, signal: run.context.signal })
  run.model = model
  return message
}

async function bringUp({ stack, options }: Run): Promise<string> {
  await stack.up(Math.ceil(durationMsOf('--timeout', options.timeout) / 1000))
  const services = await stack.running()
  return `${services.length} services are healthy: ${services.sort().join(', ')}`
}

/** Fronts are switched on before a session, at a time of their own: what may end by itself is waited for. */
async function goThroughList(run: Run): Promise<string> {
  const { strict = false } = run.options
  const limited = at(run)
  await untilRead(limited)
  for (;;) {
    const report = await inspect(limited, run.names, { strict })
    run.preflight = report
    if (report.go) return `go: ${feedsOf(report.feeds.length)}`
    const mayPass = report.feeds.every(({ checks }) => mayBecomeGo(checks, strict))
    if (!mayPass || !(await isTimeLeft(limited))) throw new StageFailure(noGoWords(report, strict), 'feedctl preflight')
  }
}

/** How often a checklist that is no go is gone through again, in ms. */
const againMs = 5000

async function isTimeLeft({ signal }: Context): Promise<boolean> {
  await sleep(againMs, undefined, { signal }).catch(() => undefined)
  return !signal.aborted
}

function noGoWords({ feeds }: PreflightReport, strict: boolean): string {
  const bad = feeds.flatMap(({ feed, checks }) =>
    checks.filter(check => !isGo([check], strict)).map(({ check, evidence }) => `${feed} ${check}: ${evidence}`),
  )
  return `no go: ${bad.join('; ')}`
}

/** How often a controller that was started is asked whether it is ready, in ms. */
const readyPollMs = 250

/** A controller that was started a moment ago has read nothing yet, and a look at what it has not read says nothing. */
async function untilRead({ controller, signal }: Context): Promise<void> {
  for (;;) {
    const answer = await fetch(`${controller.server}/readyz`, { signal }).catch((cause: Error) => cause)
    if (answer instanceof Response && answer.ok) return
    if (signal.aborted)
      throw new StageFailure(`the controller at ${controller.server} is not ready in time`, 'docker compose logs controller')
    await sleep(readyPollMs, undefined, { signal }).catch(() => undefined)
  }
}

async function holdAgainstClock(run: Run): Promise<string> {
  const { context, options } = run
  const { controller } = at(run)
  const calendars = await Promise.all((await keysOf(run)).map(key => controller.calendar(key, { days: 7 })))
  const now = context.terminal.now()
  const { isMet, message } = punctualityOf(checkpointOf(calendars, options.window, now), options.window, now)
  run.isOnTime = isMet
  if (!isMet) throw new StageFailure(message, 'an earlier start; feedctl calendar FEED')
  return message
}

/** A market that never closes keeps nobody from stopping. */
async function seeThatNothingIsOpen(run: Run): Promise<string> {
  const { controller } = at(run)
  const keys = await keysOf(run)
  const calendars = await Promise.all(
    keys.map(async key => ({ key, calendar: await controller.calendar(key, { days: 1 }).catch(() => undefined) })),
  )
  const open = calendars.filter(({ calendar }) => calendar?.type !== 'always' && calendar?.groups.some(group => group.open))
  const words = open.map(({ key }) => key).join(', ')
  if (open.length === 0) return 'no session is on'
  if (!run.options.force) throw new StageFailure(`in session: ${words}`, 'wait for the close, or --force')
  return `in session, and stopped all the same: ${words}`
}

async function keepSession(run: Run): Promise<string> {
  const { context, options, stack } = run
  const time = new Date(context.terminal.now()).toISOString().replaceAll(/[-:]/g, '').replace(/\.\d+/, '')
  const directory = resolve(context.directory, options.archive ?? 'archive')
  return `kept in ${await archive(at(run), directory, `session-${options.window}-${time}`, () => stack.logs())}`
}

/** What the Pushgateway keeps of this is told before it goes. */
async function bringDown(run: Run): Promise<string> {
  await tell(run, 'session-stop', [])
  await run.stack.stop()
  const left = await run.stack.running()
  if (left.length > 0) throw new StageFailure(`still running: ${left.join(', ')}`, 'docker compose ps')
  return 'nothing of the stack runs; its volumes are kept'
}

async function tell(run: Run, runbook: string, records: StageRecord[]): Promise<void> {
  const { context, model, options, preflight, isOnTime = false } = run
  const gateway = options.push ?? context.environment.FEEDPLANE_PUSHGATEWAY ?? (model && addressOf(model, 'pushgateway'))
  const stages = records.map(({ stage, code }): [string, number] => [stage, code])
  const metrics: PushedMetric[] = [exitMetric(runbook, stages.length > 0 ? stages : [['stack', 0]])]
  if (preflight) metrics.push(...preflightMetrics(preflight))
  if (runbook === 'session-start') metrics.push(checkpointMetric(options.window, isOnTime))
  await pushed(context, gateway, { job: 'feedctl_session', runbook, window: options.window }, metrics)
}

function checkpointMetric(window: Window, isMet: boolean): PushedMetric {
  const help = '1 where the feeds were ready five minutes before the session at the last start.'
  return { name: 'md_t5_checkpoint_status', type: 'gauge', help, samples: [{ labels: { window }, value: Number(isMet) }] }
}
