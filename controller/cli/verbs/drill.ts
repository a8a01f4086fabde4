import { keyOf } from '../../../crds/contract/resource.ts'
import { type DrillResult, drillAnnotation } from '../../../crds/failoverdrill.ts'
import type { ResourceEvent, ResourceView } from '../../api/contract.ts'
import { durationMsOf } from '../argument.ts'
import { edit, findDeclared } from '../change.ts'
import type { Context } from '../context.ts'
import { asDrill, type DrillView, renderDrills, renderHistory, renderResult } from '../drillpage.ts'
import { type ExitCode, exitCodes, refused, trouble } from '../exit.ts'
import { newestEvent } from '../follow.ts'
import { progressRenderer } from '../progress.ts'
import { splitName } from '../reference.ts'

export type DrillOptions = { wait?: boolean; history?: boolean; timeout: string; output: 'text' | 'json' }

/** Holds a drill now, by a new token in the annotations of its FailoverDrill; without a name it lists them. */
export async function drill(context: Context, name: string | undefined, options: DrillOptions): Promise<ExitCode> {
  durationMsOf('--timeout', options.timeout)
  const drills = (await context.controller.resources({ kind: 'FailoverDrill', namespace: context.namespace })).map(asDrill)
  if (name === undefined) return list(context, drills, options)
  const view = pick(drills, name, context.namespace)
  return options.history ? history(context, view, options) : hold(context, keyOf(view.metadata), options)
}

function list({ terminal }: Context, drills: DrillView[], { output }: DrillOptions): ExitCode {
  if (output === 'json') terminal.out(`${JSON.stringify(drills)}\n`)
  else if (drills.length === 0) terminal.err('no drill is declared: docs/concepts/drills.md\n')
  else terminal.out(renderDrills(drills, terminal.now()))
  return exitCodes.ok
}

function history({ terminal }: Context, view: DrillView, { output }: DrillOptions): ExitCode {
  terminal.out(output === 'json' ? `${JSON.stringify(view.status)}\n` : renderHistory(view, terminal.now()))
  return exitCodes.ok
}

/** By the drill's own name, or else by that of its feed. */
function pick(drills: DrillView[], text: string, inNamespace: string | undefined): DrillView {
  const { name, namespace } = splitName(text, inNamespace)
  const near = drills.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)
  const named = near.filter(({ metadata }) => metadata.name === name)
  const found = named.length > 0 ? named : near.filter(({ spec }) => spec.feedRef === name)
  const [only] = found
  if (only === undefined)
    throw refused(
      `there is no FailoverDrill ${text}, and none for a feed of that name`,
      `declare one: kind: FailoverDrill, spec: {feedRef: ${name}}; docs/concepts/drills.md`,
    )
  if (found.length === 1) return only
  const names = found.map(({ metadata }) => keyOf(metadata)).join(', ')
  throw trouble(`${text} may be one of ${names}`, 'write NAMESPACE/NAME of the drill')
}

async function hold(context: Context, key: string, options: DrillOptions): Promise<ExitCode> {
  const found = await findDeclared(context, 'FailoverDrill', key)
  const afterEvent = options.wait ? await newestEvent(context, key, 'FailoverDrill') : 0
  const token = context.newToken()
  await edit(context, found, { path: ['metadata', 'annotations', drillAnnotation], value: token }, options.output)
  if (options.wait) return follow(context, key, token, afterEvent, options)
  context.terminal.err(`see what comes of it with \`feedctl drill ${key} --history\`\n`)
  return exitCodes.ok
}

/** Until the controller has carried the token out, and the drill is over. */
async function follow(
  context: Context,
  key: string,
  token: string,
  afterEvent: number,
  { timeout, output }: DrillOptions,
): Promise<ExitCode> {
  const { terminal, controller, signal } = context
  const startedAt = terminal.now()
  const elapsed = () => terminal.now() - startedAt
  const renderer = progressRenderer(terminal, output, key)
  const limit = AbortSignal.any([signal, AbortSignal.timeout(durationMsOf('--timeout', timeout))])
  let result: DrillResult | undefined
  for await (const { event, data } of controller.watch({ kind: 'FailoverDrill', key }, limit)) {
    if (event === 'event') {
      const { sequence, type, reason, message } = JSON.parse(data) as ResourceEvent
      if (sequence > afterEvent) renderer.step({ type: 'event', severity: type, reason, message }, elapsed())
    }
    if (event === 'deleted') throw trouble(`FailoverDrill ${key} is no longer declared`)
    if (event === 'resource') result = resultOf(JSON.parse(data) as ResourceView, token)
    if (result) break
  }
  signal.throwIfAborted()
  const state = result === undefined ? 'timeout' : result.verdict === 'pass' ? 'done' : 'failed'
  const why = result ? `${result.verdict}, ${result.reason}: ${result.message}` : 'the drill is not over'
  if (result && output === 'json') terminal.out(`${JSON.stringify({ type: 'result', subject: key, ...result })}\n`)
  else if (result) terminal.out(renderResult(result))
  renderer.end({ state, why, elapsedMs: elapsed() })
  return result ? codes[result.verdict] : exitCodes.timeout
}

const codes = {
  pass: exitCodes.ok,
  fail: exitCodes.negative,
  aborted: exitCodes.negative,
  refused: exitCodes.refused,
} as const

function resultOf(view: ResourceView, token: string): DrillResult | undefined {
  const { requests, run, last } = asDrill(view).status
  return requests?.drill === token && run === undefined ? last : undefined
}
