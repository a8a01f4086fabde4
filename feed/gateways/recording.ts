import { readFileSync, realpathSync, statSync } from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { Fault, stalled } from '../../crds/contract/fault.ts'
import { type RecordingRow, rowReader } from './recordingrow.ts'
import { encodeTick, type TickName, tickBytes, tickOffsets } from './tickrecord.ts'

/** Bounds of what is held in memory: 264 bytes a row, and a file as text while it is read. */
const maxRows = 1_000_000
const maxFileBytes = 512 * 1024 * 1024

/** A silence longer than `longestMs` is played as `playedMs` where breaks are skipped. */
const breaks = { longestMs: 5000, playedMs: 1000 }

/** After the last row, before the first one comes again. */
const endMs = 1000

const dayMs = 86_400_000

/** A trading day begins with the evening before it: 17:00 is after every settlement and before every night auction. */
const dayBeginsMs = 17 * 3_600_000

/** Recorded ticks of all files, in rounds of one trading day each. */
export type Recording = {
  /** Records of `tickrecord.ts`; their number is an index of `names`. */
  records: DataView
  names: TickName[]
  /** Number of an instrument. */
  numbers: Map<string, number>
  days: RecordedDay[]
}

/** One round: every instrument with one of its days. Rows are in the order they are played. */
export type RecordedDay = {
  /** Index of each row's record. */
  rows: Int32Array
  /** ms from the start of the round, of each row; never decreases. */
  at: Float64Array
  durationMs: number
  /** Rows of each instrument by number, in order. */
  rowsOf: Int32Array[]
}

/**
 * Reads recordings (CSV or CSV.gz with CTP's field names in the first line) whose names are relative to the data directory. They
 * are merged by their time of day. Where an instrument was recorded on several days, there are as many rounds, and instruments
 * with fewer days repeat theirs.
 *
 * Throws a stalled Fault that names file and line: `RecordingMissing`, `RecordingOutside` (a name that leaves the directory),
 * `RecordingInvalid`, `RecordingTooLarge`.
 */
export function readRecording(dataDirectory: string, files: string[], options: { skipBreaks: boolean }): Recording {
  const rows = new Rows()
  for (const file of files) readFile(resolveInside(dataDirectory, file), file, rows)
  if (rows.count === 0) throw stalled('RecordingInvalid', `no tick is in ${files.join(', ')}`)
  return rows.recording(options.skipBreaks)
}

function resolveInside(directory: string, file: string): string {
  try {
    const root = realpathSync(directory)
    const path = realpathSync(join(root, file))
    const inside = relative(root, path)
    if (!isAbsolute(file) && inside !== '' && !isAbsolute(inside) && !inside.startsWith('..')) return path
  } catch (error) {
    throw stalled('RecordingMissing', `recording ${file} is not in the data directory ${directory}`, error)
  }
  throw stalled('RecordingOutside', `recording ${file} is outside the data directory ${directory}`)
}

function readFile(path: string, name: string, rows: Rows): void {
  try {
    const text = textOf(path, name)
    rows.startFile()
    let read: ReturnType<typeof rowReader> | undefined
    parse(text, {
      bom: true,
      skip_empty_lines: true,
      on_record: (fields: string[], { lines }) => {
        if (read === undefined) read = rowReader(fields)
        else rows.add(read(fields, lines))
        return null
      },
    })
  } catch (error) {
    if (error instanceof Fault && error.reason === 'RecordingTooLarge') throw error
    throw stalled('RecordingInvalid', `recording ${name}: ${error instanceof Error ? error.message : error}`, error)
  }
}

/** A file within the bound: a short one may unpack to any size. */
function textOf(path: string, name: string): Buffer {
  const tooLarge = `recording ${name} has more than ${maxFileBytes / 2 ** 20} MiB: cut it into several, or leave instruments out`
  if (statSync(path).size > maxFileBytes) throw stalled('RecordingTooLarge', tooLarge)
  const bytes = readFileSync(path)
  if (!path.endsWith('.gz')) return bytes
  try {
    return gunzipSync(bytes, { maxOutputLength: maxFileBytes })
  } catch (error) {
    const isBomb = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
    throw isBomb ? stalled('RecordingTooLarge', tooLarge, error) : error
  }
}

/** Rows as they are read: encoded, with their time within the trading day. */
class Rows {
  count = 0
  #table = Buffer.alloc(1024 * tickBytes)
  #view = new DataView(this.#table.buffer, this.#table.byteOffset, this.#table.length)
  readonly #timeOfDay: number[] = []
  readonly #names: TickName[] = []
  readonly #numbers = new Map<string, number>()
  /** Records of each instrument by trading day. */
  readonly #days: Map<number, number[]>[] = []
  #lastOfFile = new Map<string, number>()

  startFile(): void {
    this.#lastOfFile = new Map()
  }

  add(row: RecordingRow): void {
    if (this.count === maxRows) throw stalled('RecordingTooLarge', `recordings have more than ${maxRows} rows together`)
    if ((this.count + 1) * tickBytes > this.#table.length) this.#grow()
    const number = this.#number(row)
    encodeTick(this.#view, this.count * tickBytes, number, row)
    const days = this.#days[number]
    const records = days?.get(row.tradingDay)
    if (records) records.push(this.count)
    else days?.set(row.tradingDay, [this.count])
    this.#timeOfDay[this.count] = this.#inFileOrder(row)
    this.count++
  }

  recording(skipBreaks: boolean): Recording {
    const rounds = Math.max(...this.#days.map(days => days.size))
    return {
      records: this.#view,
      names: this.#names,
      numbers: this.#numbers,
      days: Array.from({ length: rounds }, (_, round) => this.#day(round, skipBreaks)),
    }
  }

  #day(round: number, skipBreaks: boolean): RecordedDay {
    const time = (record: number) => this.#timeOfDay[record] ?? 0
    const recorded = this.#days.flatMap(days => {
      const inOrder = [...days].sort(([a], [b]) => a - b)
      return inOrder[round % inOrder.length]?.[1] ?? []
    })
    const rows = Int32Array.from(recorded).sort((a, b) => time(a) - time(b) || a - b)
    const at = new Float64Array(rows.length)
    const rowsOf: number[][] = this.#names.map(() => [])
    rows.forEach((record, row) => {
      rowsOf[this.#view.getUint32(record * tickBytes + tickOffsets.number, true)]?.push(row)
      const silence = row === 0 ? 0 : time(record) - time(rows[row - 1] ?? 0)
      at[row] = (at[row - 1] ?? 0) + (skipBreaks && silence > breaks.longestMs ? breaks.playedMs : silence)
    })
    return { rows, at, durationMs: (at.at(-1) ?? 0) + endMs, rowsOf: rowsOf.map(list => Int32Array.from(list)) }
  }

  /** ms since the trading day began. A file's order counts for more than its clock: an instrument never goes back within a day. */
  #inFileOrder({ instrument, tradingDay, second, millisecond }: RecordingRow): number {
    const key = `${instrument}/${tradingDay}`
    const time = Math.max((second * 1000 + millisecond - dayBeginsMs + dayMs) % dayMs, this.#lastOfFile.get(key) ?? 0)
    this.#lastOfFile.set(key, time)
    return time
  }

  #number({ instrument, exchange }: RecordingRow): number {
    const known = this.#numbers.get(instrument)
    if (known !== undefined) return known
    this.#numbers.set(instrument, this.#names.length)
    this.#days.push(new Map())
    return this.#names.push({ InstrumentID: instrument, ExchangeID: exchange }) - 1
  }

  #grow(): void {
    const larger = Buffer.alloc(Math.min(maxRows * tickBytes, this.#table.length * 2))
    this.#table.copy(larger)
    this.#table = larger
    this.#view = new DataView(larger.buffer, larger.byteOffset, larger.length)
  }
}
