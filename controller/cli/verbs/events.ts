import { keyOf } from '../../../crds/contract/resource.ts'
import type { ResourceEvent } from '../../api/contract.ts'
import { isUnreachable } from '../answer.ts'
import type { Context } from '../context.ts'
import { type ExitCode, exitCodes, trouble } from '../exit.ts'
import { eventRows } from '../records.ts'
import { resourceOf } from '../reference.ts'
import { renderTable } from '../table.ts'

export type EventsOptions = { limit: string; watch?: boolean; output: 'table' | 'json' }

/** As many events as the controller tells in one answer. */
const catchUpLimit = 1000

type Query = { kind?: string; key?: string }

const header = ['AGE', 'TYPE', 'REASON', 'COUNT', 'OBJECT', 'MESSAGE']

/** Events, oldest first: of one feed or of everything; with `--watch` goes on until Ctrl-C. JSON is one event a line. */
export async function events(context: Context, name: string | undefined, options: EventsOptions): Promise<ExitCode> {
  const { terminal, controller } = context
  const query = name === undefined ? {} : { kind: 'Feed', key: keyOf((await resourceOf(context, 'Feed', name)).metadata) }
  const past = await controller.events({ ...query, limit: limitOf(options.limit) })
  terminal.out(render(past, options, terminal.now(), true))
  return options.watch ? watch(context, query, past, options) : exitCodes.ok
}

/** A stream begins with what comes next: what came before it, or while it was broken, is asked for once it is there. */
async function watch(context: Context, query: Query, past: ResourceEvent[], options: EventsOptions): Promise<ExitCode> {
  const { terminal, controller, signal } = context
  let seen = newest(past)
  let isBehind = true
  const tell = (items: ResourceEvent[]) => {
    const unseen = items.filter(({ sequence }) => sequence > seen)
    if (unseen.length > 0) terminal.out(render(unseen, options, terminal.now(), false))
    seen = Math.max(seen, newest(unseen))
  }
  for await (const { event, data } of controller.watch(query, signal)) {
    if (event === 'reconnecting') {
      terminal.err(`lost the controller (${data}); trying again\n`)
      isBehind = true
    } else if (isBehind) {
      const missed = await controller.events({ ...query, limit: catchUpLimit }).catch(unlessUnreachable)
      isBehind = missed === undefined
      tell(missed ?? [])
    }
    if (event === 'event' && !isBehind) tell([JSON.parse(data) as ResourceEvent])
  }
  signal.throwIfAborted()
  return exitCodes.ok
}

/** A controller that is away again is asked once more with the next thing that it tells. */
function unlessUnreachable(error: unknown): undefined {
  if (!isUnreachable(error)) throw error
}

const newest = (items: ResourceEvent[]): number => Math.max(0, ...items.map(({ sequence }) => sequence))

function render(items: ResourceEvent[], { output }: EventsOptions, now: number, headed: boolean): string {
  if (output === 'json') return items.map(item => `${JSON.stringify(item)}\n`).join('')
  const rows = items.map((item, i) => {
    const [age = '', type = '', reason = '', count = '', message = ''] = eventRows([item], now)[0] ?? []
    return headed || i > 0
      ? [age, type, reason, count, `${item.kind} ${item.key}`, message]
      : [age.padEnd(6), type.padEnd(9), reason, count, `${item.kind} ${item.key}`, message]
  })
  return items.length === 0 && headed ? 'No events.\n' : renderTable(headed ? header : [], rows)
}

function limitOf(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw trouble(`--limit ${text} is no number from 1 to 9999`)
  return Number(text)
}
