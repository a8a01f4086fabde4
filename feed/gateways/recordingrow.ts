import { noValue } from './depth.ts'
import { bookLevels, priceFields, secondOfDay, type TickRecord } from './tickrecord.ts'

const levels = Array.from({ length: bookLevels }, (_, index) => index + 1)
const priceColumns = [...priceFields, ...levels.map(level => `BidPrice${level}`), ...levels.map(level => `AskPrice${level}`)]
const volumeColumns = ['Volume', ...levels.map(level => `BidVolume${level}`), ...levels.map(level => `AskVolume${level}`)]

const required = ['InstrumentID', 'TradingDay', 'UpdateTime', 'LastPrice', 'Volume']

/** DBL_MAX as it comes back from text with 15 digits, which reads as infinity: no price is near it. */
const noValueFrom = 1.7976931348e308

const maxVolume = 2 ** 31 - 1

/** One row of a recording. */
export type RecordingRow = TickRecord & { instrument: string; exchange: string }

/**
 * How to read rows with this first line. Columns are found by CTP's names, so both known layouts (39 and 44 columns) and others
 * read alike; a column that is not there, an empty field, `N/A` and DBL_MAX have no value. Volumes without one are 0.
 *
 * Throws an Error at a first line without a needed column, and the reader at a field that is no number or no time.
 */
export function rowReader(header: string[]): (fields: string[], line: number) => RecordingRow {
  const columns = new Map(header.map((name, index) => [name.trim(), index]))
  const missing = required.filter(name => !columns.has(name))
  if (missing.length > 0) throw new Error(`line 1: column ${missing.join(', ')} is missing`)
  const prices = priceColumns.map(name => numberColumn(name, columns.get(name), noValue))
  const volumes = volumeColumns.map(name => volumeColumn(name, columns.get(name)))
  const millisecond = numberColumn('UpdateMillisec', columns.get('UpdateMillisec'), 0)
  const [tradingDay, actionDay, time, instrument, exchange] = [
    textColumn(columns.get('TradingDay')),
    textColumn(columns.get('ActionDay')),
    textColumn(columns.get('UpdateTime')),
    textColumn(columns.get('InstrumentID')),
    textColumn(columns.get('ExchangeID')),
  ]
  return (fields, line) => ({
    tradingDay: Number(checked(tradingDay(fields), /^\d{8}$/, 'TradingDay', line)),
    actionDay: Number(checked(actionDay(fields) || tradingDay(fields), /^\d{8}$/, 'ActionDay', line)),
    second: secondOfDay(checked(time(fields), /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$/, 'UpdateTime', line)),
    millisecond: millisecond(fields, line),
    instrument: checked(instrument(fields), /^.{1,80}$/, 'InstrumentID', line),
    exchange: exchange(fields),
    prices: prices.map(read => read(fields, line)),
    volumes: volumes.map(read => read(fields, line)),
  })
}

function textColumn(index: number | undefined): (fields: string[]) => string {
  return fields => (index === undefined ? '' : (fields[index] ?? '').trim())
}

function numberColumn(name: string, index: number | undefined, absent: number): (fields: string[], line: number) => number {
  return (fields, line) => {
    const text = index === undefined ? '' : (fields[index] ?? '').trim()
    if (text === '' || text === 'N/A') return absent
    const value = Number(text)
    if (Number.isNaN(value)) throw new Error(`line ${line}: ${name} is "${text}", which is no number`)
    return value >= noValueFrom ? absent : value
  }
}

function volumeColumn(name: string, index: number | undefined): (fields: string[], line: number) => number {
  const read = numberColumn(name, index, 0)
  return (fields, line) => {
    const value = read(fields, line)
    if (Number.isInteger(value) && value >= 0 && value <= maxVolume) return value
    throw new Error(`line ${line}: ${name} is ${value}, which is no volume`)
  }
}

function checked(text: string, pattern: RegExp, name: string, line: number): string {
  if (pattern.test(text)) return text
  throw new Error(`line ${line}: ${name} is "${text}"`)
}
