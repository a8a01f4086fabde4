import { exchanges } from '../../../crds/contract/catalogue.ts'
import { keyOf } from '../../../crds/contract/resource.ts'
import type { Tick } from '../../../crds/contract/tick.ts'
import { type ConsumerCounts, TickChecker } from '../../../feed/client/consumer.ts'
import type { Context } from '../context.ts'
import { type ExitCode, exitCodes, trouble } from '../exit.ts'
import { resourceOf } from '../reference.ts'
import { paint } from '../terminal.ts'
import { tickHeader, tickLine } from '../tickline.ts'

export type TailOptions = { instrument?: string; limit?: string; output: 'table' | 'json' }

/**
 * Ticks as the feed publishes them, through the controller, until `--limit` of them or Ctrl-C. What is missing, comes twice or
 * comes from a deposed publisher is told on standard error, and makes the end exit 1, unless this look itself lost ticks.
 */
export async function tail(context: Context, name: string, options: TailOptions): Promise<ExitCode> {
  const { terminal, controller, signal } = context
  const limit = limitOf(options.limit)
  const key = keyOf((await resourceOf(context, 'Feed', name)).metadata)
  const warn = (text: string) => terminal.err(`${paint(`! ${text}`, 'warn', terminal.errColour)}\n`)
  const checker = new TickChecker({
    onMissing: ({ instrument, epoch, expected, got }) =>
      warn(`${instrument}: ${got - expected} missing, sequence ${expected} to ${got - 1} (epoch ${epoch})`),
  })
  if (options.output === 'table') terminal.out(tickHeader())
  let lost = 0
  let isBroken = false
  const query = {
    ...(options.instrument !== undefined && { instrument: bareInstrument(options.instrument) }),
    ...(limit !== undefined && { limit }),
  }
  for await (const { event, data } of controller.ticks(key, query, signal)) {
    if (event === 'reconnecting') {
      isBroken = true
      warn(`no ticks (${data}); trying again`)
    } else if (event === 'dropped') {
      lost += (JSON.parse(data) as { dropped: number }).dropped
      warn(`this look was too slow and lost ${lost} ticks; the feed did not`)
    } else if (event === 'tick') {
      const tick = JSON.parse(data) as Tick
      if (!checker.check(tick))
        warn(`${tick.instrument}: sequence ${tick.sequence} of epoch ${tick.epoch} came again or too late`)
      terminal.out(options.output === 'json' ? `${JSON.stringify(tick)}\n` : tickLine(tick))
      if (checker.counts().received >= (limit ?? Number.POSITIVE_INFINITY)) break
    }
  }
  const counts = checker.counts()
  terminal.err(`${summary(counts)}\n`)
  signal.throwIfAborted()
  return lost === 0 && !isBroken && counts.missing + counts.duplicates + counts.stale > 0 ? exitCodes.negative : exitCodes.ok
}

function summary({ received, missing, duplicates, stale }: ConsumerCounts): string {
  return `${received} ticks, ${missing} missing, ${duplicates} twice, ${stale} of a deposed publisher`
}

/** The tap knows instruments without their exchange, as the fronts do. */
function bareInstrument(text: string): string {
  const exchange = exchanges.find(one => text.startsWith(`${one}.`))
  return exchange === undefined ? text : text.slice(exchange.length + 1)
}

function limitOf(text: string | undefined): number | undefined {
  if (text !== undefined && !/^[1-9]\d{0,8}$/.test(text)) throw trouble(`--limit ${text} is no number of ticks`)
  return text === undefined ? undefined : Number(text)
}
