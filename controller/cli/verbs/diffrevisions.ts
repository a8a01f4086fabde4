import { keyOf } from '../../../crds/contract/resource.ts'
import type { RevisionChangeView } from '../../api/contract.ts'
import type { Context } from '../context.ts'
import { renderDocument } from '../document.ts'
import { type ExitCode, exitCodes, trouble } from '../exit.ts'
import { resourceOf } from '../reference.ts'

const pattern = /^(?<name>[^@]+)@(?<revision>[1-9]\d{0,8})$/

/** Whether the arguments of `diff` are two revisions, `FEED@N`, and no paths. */
export function areRevisions(words: string[]): boolean {
  return words.length === 2 && words.every(word => pattern.test(word))
}

/** What differs between two revisions of a feed, from their snapshots: 0 nothing, 1 differences. */
export async function diffRevisions(context: Context, words: string[], options: { output: 'text' | 'json' }): Promise<ExitCode> {
  const [from, to] = words.map(word => pattern.exec(word)?.groups ?? {})
  if (from?.name !== to?.name) throw trouble(`${words.join(' and ')} are of two feeds`, 'name two revisions of one feed')
  const key = keyOf((await resourceOf(context, 'Feed', from?.name ?? '')).metadata)
  const changes = await context.controller.changes(key, Number(from?.revision), Number(to?.revision))
  const { terminal } = context
  terminal.out(options.output === 'json' ? await renderDocument(changes, 'json') : changes.map(linesOf).join(''))
  return changes.length === 0 ? exitCodes.ok : exitCodes.negative
}

/** Names of instruments that are written out; `-o json` has all of them. */
const maxNames = 20

function linesOf({
  path,
  from = 'absent',
  to = 'absent',
  takes,
  added = [],
  removed = [],
  changed = [],
}: RevisionChangeView): string {
  const how = takes === 'live' ? 'taken over by the running process' : 'needs another process'
  const names = [...named('+', added), ...named('-', removed), ...named('~', changed)]
  return [`~ ${path}: ${from} -> ${to}  (${how})`, ...names].map(line => `${line}\n`).join('')
}

function named(sign: string, names: string[]): string[] {
  const shown = names.slice(0, maxNames).map(name => `    ${sign} ${name}`)
  return names.length > maxNames ? [...shown, `    ${sign} and ${names.length - maxNames} more`] : shown
}
