import * as z from 'zod'
import { windowSchema, windowsSchema } from './catalogue.ts'

/** An override file, in bytes. */
export const maxOverridesBytes = 1_048_576

/** Entries of each list of an override file. */
const maxEntries = 400
/** Longest span of closed or opened days: nobody closes for longer, and a mistyped year is caught. */
const maxSpanDays = 31
const dayMs = 86_400_000

const date = z.iso.date('write a date as YYYY-MM-DD')
const reason = z.string().min(1).max(200)

const spanSchema = z
  .strictObject({ from: date, to: date.optional(), reason })
  .refine(({ from, to = from }) => from <= to, 'the span ends before it begins')
  .refine(
    // A date that is none is told by itself.
    ({ from, to = from }) => !(Date.parse(to) - Date.parse(from) >= maxSpanDays * dayMs),
    `a span has at most ${maxSpanDays} days`,
  )
  .meta({ description: 'Write {from: YYYY-MM-DD, to: YYYY-MM-DD, reason: TEXT}; without `to` it is one day.' })

const hours = z.strictObject({
  day: z.array(windowSchema).max(8),
  night: z.array(windowSchema).max(8).optional(),
})

const changeSchema = hours
  .extend({ from: date, to: date, reason, replaces: hours.optional() })
  .refine(({ from, to }) => from <= to, 'the span ends before it begins')
  .meta({ description: 'Write {from: YYYY-MM-DD, to: YYYY-MM-DD, reason: TEXT, day: [[HH:MM:SS, HH:MM:SS]], night: [...]}.' })

/**
 * An override file (`calendar.overrides` of a FeedProfile): what the exchanges have announced and the package chinese-days does not
 * know. Dates are of Asia/Shanghai.
 */
export const overridesSchema = z
  .strictObject({
    /** The last day up to which all holidays are known, by the package or by this file. */
    knownUntil: date.optional(),
    closed: z.array(spanSchema).max(maxEntries).default([]),
    /** Days on which the exchanges trade although they are no weekday, or a holiday. */
    open: z.array(spanSchema).max(maxEntries).default([]).meta({ description: 'Days of trading that would be none.' }),
    /** Other windows for the sessions that begin on these days; of all instruments, or of those whose windows are `replaces`. */
    windows: z.array(changeSchema).max(maxEntries).default([]),
  })
  .refine(({ closed, open }) => !open.some(span => closed.some(other => overlap(span, other))), {
    path: ['open'],
    message: 'a day is both closed and open',
  })
export type Overrides = z.infer<typeof overridesSchema>

type Span = { from: string; to?: string | undefined }

function overlap(a: Span, b: Span): boolean {
  return a.from <= (b.to ?? b.from) && b.from <= (a.to ?? a.from)
}

/** Fewer trading days ahead than this, and the operator is told: the holidays of the next months are unknown. */
export const minHorizonDays = 30

const moment = z.number().meta({ description: 'ms since 1970' })
const count = z.int().min(0)

const calendarSessionSchema = z.object({
  /** YYYY-MM-DD on which it begins. */
  date,
  kind: z.enum(['day', 'night']),
  /** YYYYMMDD that its ticks are booked under. */
  tradingDay: z.string(),
  /** Start of the call auction, or of trading where there is none. */
  opens: moment,
  begins: moment,
  ends: moment,
})

const calendarDaySchema = z.object({
  date,
  isTradingDay: z.boolean(),
  /** Why there is no trading, or why there is: a holiday, a weekend, an override. */
  name: z.string().optional(),
  /** Whether night sessions follow, where a product has them. */
  hasNight: z.boolean(),
})

const calendarGroupSchema = z.object({
  /** `EXCHANGE.product`, all with the same windows. */
  products: z.array(z.string()),
  instruments: count,
  windows: windowsSchema,
  open: z.boolean(),
  nextChange: moment.optional(),
  sessions: z.array(calendarSessionSchema),
  /** Delivery months, `YYYY-MM`, that the symbols name, CZCE's decade from the clock; `expired` instruments' months are over. */
  delivery: z.object({ first: z.string(), last: z.string(), expired: count }).optional(),
})

/** Body of `GET /v1/calendar?days=&at=` of a feed. */
export const calendarViewSchema = z.object({
  type: z.enum(['always', 'china-futures']),
  at: moment,
  tradingDay: z.string(),
  /** How many trading days ahead the holidays are known for; `isShort` below 30. */
  horizon: z.object({ days: count, knownUntil: date, isShort: z.boolean() }),
  overrides: z.string().optional(),
  days: z.array(calendarDaySchema),
  groups: z.array(calendarGroupSchema),
})
export type CalendarView = z.infer<typeof calendarViewSchema>
export type CalendarSession = z.infer<typeof calendarSessionSchema>
export type CalendarDay = z.infer<typeof calendarDaySchema>
export type CalendarGroup = z.infer<typeof calendarGroupSchema>

/** Most days that one question may ask for. */
export const maxCalendarDays = 60
