import { emptyDepth } from '../gateways/depth.ts'
import { depthNumbers, readDepth, writeDepth } from '../gateways/depthrow.ts'
import type { Cohort } from './cohorts.ts'
import type { LostTick } from './gapledger.ts'
import type { NumberedPush, TickLine } from './numbered.ts'

const at = { epoch: 0, sequence: 1, divisor: 2, exchangeTime: 3, time: 4, hash: 5, receivedAt: 6, kind: 7, depth: 8 } as const
const rowNumbers = at.depth + depthNumbers
const kinds = { snapshot: 1, offSession: 2 } as const
/** The table grows by so many rows (370 KB). */
const rowsAPiece = 1024

/**
 * The pushes that wait for the bus, in one table of numbers: 24 MB for the 65,536 that a queue may hold. As objects they would outlive a scavenge or two
 * and fill V8's old generation: at 60,000 a second that took a fifth of a session's time, and as much again for the caches that it emptied.
 */
export class Rows {
  readonly #pieces: Float64Array[] = []
  readonly #lines: TickLine[] = []
  readonly #days: string[] = []
  readonly #cohorts: Cohort[] = []
  readonly #free: number[] = []
  readonly #push: NumberedPush
  #rows = 0

  constructor() {
    const line: TickLine = { instrument: '', exchange: 'SHFE' }
    const numbers = { epoch: 0, sequence: 0, averageDivisor: 1, exchangeTime: 0, time: 0, hash: 0, receivedAt: 0 }
    this.#push = { line, depth: emptyDepth(), tradingDay: '', ...numbers, snapshot: false, offSession: false }
  }

  /** Keeps a push under the row that is answered. */
  add(push: NumberedPush, cohort: Cohort): number {
    const row = this.#free.pop() ?? this.#grow()
    const numbers = this.#pieceOf(row)
    const start = startOf(row)
    numbers[start] = push.epoch
    numbers[start + at.sequence] = push.sequence
    numbers[start + at.divisor] = push.averageDivisor
    numbers[start + at.exchangeTime] = push.exchangeTime ?? Number.NaN
    numbers[start + at.time] = push.time
    numbers[start + at.hash] = push.hash
    numbers[start + at.receivedAt] = push.receivedAt
    numbers[start + at.kind] = (push.snapshot ? kinds.snapshot : 0) | (push.offSession ? kinds.offSession : 0)
    writeDepth(numbers, start + at.depth, push.depth)
    this.#lines[row] = push.line
    this.#days[row] = push.tradingDay
    this.#cohorts[row] = cohort
    return row
  }

  /** The push of a row; it holds until the next call. */
  read(row: number): NumberedPush {
    const numbers = this.#pieceOf(row)
    const start = startOf(row)
    const push = this.#push
    const exchangeTime = numbers[start + at.exchangeTime] as number
    const kind = numbers[start + at.kind] as number
    push.line = this.lineOf(row)
    push.tradingDay = this.#days[row] as string
    push.epoch = numbers[start] as number
    push.sequence = numbers[start + at.sequence] as number
    push.averageDivisor = numbers[start + at.divisor] as number
    push.exchangeTime = Number.isNaN(exchangeTime) ? null : exchangeTime
    push.time = numbers[start + at.time] as number
    push.hash = numbers[start + at.hash] as number
    push.receivedAt = numbers[start + at.receivedAt] as number
    push.snapshot = (kind & kinds.snapshot) !== 0
    push.offSession = (kind & kinds.offSession) !== 0
    readDepth(numbers, start + at.depth, push.depth)
    return push
  }

  lineOf(row: number): TickLine {
    return this.#lines[row] as TickLine
  }

  cohortOf(row: number): Cohort {
    return this.#cohorts[row] as Cohort
  }

  /** What a gap says of a push. */
  lossOf(row: number): LostTick {
    const numbers = this.#pieceOf(row)
    const start = startOf(row)
    const { instrument } = this.lineOf(row)
    return { epoch: numbers[start] as number, receivedAt: numbers[start + at.receivedAt] as number, instrument }
  }

  free(row: number): void {
    this.#free.push(row)
  }

  #grow(): number {
    if (this.#rows % rowsAPiece === 0) this.#pieces.push(new Float64Array(rowsAPiece * rowNumbers))
    return this.#rows++
  }

  #pieceOf(row: number): Float64Array {
    return this.#pieces[Math.floor(row / rowsAPiece)] as Float64Array
  }
}

const startOf = (row: number): number => (row % rowsAPiece) * rowNumbers
