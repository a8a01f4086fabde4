import { keyOf } from '../../crds/contract/resource.ts'
import { durationMsOf } from './argument.ts'
import { connect } from './client.ts'
import type { Context } from './context.ts'
import { trouble } from './exit.ts'
import { resourceOf } from './reference.ts'

/** `namespace/name` of the feeds that are named; of all declared ones, in order, where none is. */
export async function feedKeys(context: Context, names: string[]): Promise<string[]> {
  if (names.length > 0) return Promise.all(names.map(async name => keyOf((await resourceOf(context, 'Feed', name)).metadata)))
  const all = await context.controller.resources({ kind: 'Feed', namespace: context.namespace })
  if (all.length === 0) throw trouble('no feed is declared', '`feedctl status` shows what the controller reads')
  return all.map(({ metadata }) => keyOf(metadata)).sort()
}

/** The same context, in which every question and wait ends in time. `what` could not be told otherwise. */
export function within(context: Context, what: string, timeout: string): Context {
  const late = new AbortController()
  const reason = trouble(`${what} could not be told within ${timeout}`, 'a larger --timeout, or fewer feeds')
  setTimeout(() => late.abort(reason), durationMsOf('--timeout', timeout)).unref()
  const signal = AbortSignal.any([context.signal, late.signal])
  return { ...context, signal, controller: connect(context.controller.server, signal) }
}
