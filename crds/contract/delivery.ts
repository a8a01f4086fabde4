import type { Exchange } from './catalogue.ts'

/** The month in which a contract is delivered, or its options' underlying one is; `month` is 1 to 12. */
export type DeliveryMonth = { year: number; month: number }

/**
 * The delivery month that an instrument's symbol names, of a combination that of its first leg; undefined where it names none.
 *
 * CZCE writes the year with one digit (`AP010`, `ZC010C630`): it is the first such year in which the month is not over at `at` (ms
 * since 1970), as no contract is listed ten years ahead. The others write two (`rb2605`, `au2009C496`, `i2010-C-1080`, `SP p2009&p2010`).
 */
export function deliveryMonthOf(exchange: Exchange, instrument: string, at: number): DeliveryMonth | undefined {
  const [, digits] = /^(?:SP[A-Z]? )?[A-Za-z]+(\d+)/.exec(instrument) ?? []
  const length = exchange === 'CZCE' ? 3 : 4
  if (digits === undefined || digits.length !== length) return undefined
  const month = Number(digits.slice(-2))
  if (month < 1 || month > 12) return undefined
  const year = Number(digits.slice(0, -2))
  return { year: length === 4 ? 2000 + year : yearEndingWith(year, month, at), month }
}

/** Whether the month is over at a moment, in Asia/Shanghai: nothing of it is listed any more. */
export function isOver({ year, month }: DeliveryMonth, at: number): boolean {
  return monthsOf({ year, month }) < monthsOf(monthAt(at))
}

/** `2026-05` */
export function deliveryText({ year, month }: DeliveryMonth): string {
  return `${year}-${String(month).padStart(2, '0')}`
}

function yearEndingWith(digit: number, month: number, at: number): number {
  const now = monthAt(at)
  const year = now.year - (now.year % 10) + digit
  return isOver({ year, month }, at) ? year + 10 : year
}

function monthAt(at: number): DeliveryMonth {
  const shanghai = new Date(at + 8 * 3_600_000)
  return { year: shanghai.getUTCFullYear(), month: shanghai.getUTCMonth() + 1 }
}

const monthsOf = ({ year, month }: DeliveryMonth): number => year * 12 + month
