import { maxCalendarDays, minHorizonDays } from '../../../crds/contract/calendar.ts'
import { keyOf } from '../../../crds/contract/resource.ts'
import { renderCalendar } from '../calendarpage.ts'
import type { Context } from '../context.ts'
import { type ExitCode, exitCodes, trouble } from '../exit.ts'
import { resourceOf } from '../reference.ts'
import { paint } from '../terminal.ts'

export type CalendarOptions = { days: string; at?: string; output: 'text' | 'json' }

/** The next sessions of a feed, by groups of products with the same windows, in Asia/Shanghai. */
export async function calendar(context: Context, name: string, options: CalendarOptions): Promise<ExitCode> {
  const { terminal, controller } = context
  const days = Number(options.days)
  if (!Number.isInteger(days) || days < 1 || days > maxCalendarDays)
    throw trouble(`--days ${options.days} is no whole number from 1 to ${maxCalendarDays}`)
  const key = keyOf((await resourceOf(context, 'Feed', name)).metadata)
  const view = await controller.calendar(key, { days, at: momentOf(options.at) })
  terminal.out(options.output === 'json' ? `${JSON.stringify(view)}\n` : renderCalendar(key, view, terminal.outColour))
  const { isShort, days: known, knownUntil } = view.horizon
  if (isShort && view.type !== 'always') {
    const words = `! holidays are known for ${known} trading days only, until ${knownUntil} (at least ${minHorizonDays} are wanted)`
    const hint = 'update the package chinese-days, or write them into the file that calendar.overrides of the profile names'
    terminal.err(`${paint(words, 'warn', terminal.errColour)}\n  ${hint}\n`)
  }
  return exitCodes.ok
}

/** A time without an offset is Shanghai's: that is what sessions are quoted in. */
function momentOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const isDate = /^\d{4}-\d\d-\d\d$/.test(text)
  const isLocal = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?$/.test(text)
  const whole = isDate ? `${text}T00:00+08:00` : isLocal ? `${text.replace(' ', 'T')}+08:00` : text
  if (Number.isNaN(Date.parse(whole)))
    throw trouble(`--at ${text} is no time`, 'write 2026-11-24, "2026-11-24 08:55" or ISO 8601')
  return new Date(whole).toISOString()
}
