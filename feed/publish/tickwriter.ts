import type { Depth } from '../gateways/depth.ts'
import { isoOf } from '../gateways/exchangetime.ts'
import { ByteWriter } from './bytewriter.ts'
import type { LaneTexts } from './lane.ts'
import type { NumberedPush } from './numbered.ts'
import { averageOf, isLevel, orNull, type TickSource } from './tick.ts'
import { headerEnd, headerStart, inOneLine } from './wire.ts'

/** Of what is written for each tick: 45 numbers of at most 25 characters, and their names. */
const mostBytes = 2048

const name = (text: string): Uint8Array => Buffer.from(`,"${text}":`)
const names = {
  receivedAt: name('receivedAt'),
  publishedAt: name('publishedAt'),
  last: name('last'),
  volume: name('volume'),
  turnover: name('turnover'),
  openInterest: name('openInterest'),
  averagePrice: name('averagePrice'),
  bids: Buffer.from(',"bids":['),
  asks: Buffer.from('],"asks":['),
}
const slowNames = [
  ...['open', 'high', 'low', 'close', 'settlement'],
  ...['previousClose', 'previousSettlement', 'previousOpenInterest', 'upperLimit', 'lowerLimit'],
].map(name)
/** All that `slowNames` can take. */
const mostSlowBytes = slowNames.reduce((sum, { length }) => sum + length + 25, 0)
const ends = {
  plain: Buffer.from(']}'),
  snapshot: Buffer.from('],"snapshot":true}'),
  offSession: Buffer.from('],"offSession":true}'),
  both: Buffer.from('],"snapshot":true,"offSession":true}'),
}
const zone = '+08:00'
const timeEnd = Buffer.from(`${zone}"`)
/** Ticks of a few seconds wait together; a recording has all of a day's. */
const maxSeconds = 64
const idEnd = { tick: Buffer.from(headerEnd), snapshot: Buffer.from(`-snapshot${headerEnd}`) }
const [open, comma, close, dash] = [91, 44, 93, 45]

/**
 * Writes ticks as they go over the wire: the bytes of `JSON.stringify(tickOf(...))` and of a header with `messageIdOf(...)`, in half of the time. Most of a
 * tick is what the instrument's tick before it said: names, the day, and ten numbers that change rarely. Those bytes are kept in the lane.
 */
export class TickWriter {
  readonly #start: string
  readonly #to = new ByteWriter()
  readonly #seconds = new Map<number, Uint8Array>()

  constructor({ feed, account }: TickSource) {
    this.#start = `{"feed":${JSON.stringify(feed)},"account":${JSON.stringify(account)},"epoch":`
  }

  payload(push: NumberedPush, texts: LaneTexts, publishedAt: number): Uint8Array {
    const to = this.#to
    const { depth } = push
    this.#renew(push, texts)
    to.begin(mostBytes + texts.middleEnd)
    to.part(texts.bytes, 0, texts.headEnd)
    to.number(push.sequence)
    to.part(texts.bytes, texts.headEnd, texts.middleEnd)
    this.#time(push.exchangeTime)
    this.#number(names.receivedAt, push.receivedAt)
    this.#number(names.publishedAt, publishedAt)
    this.#number(names.last, orNull(depth.LastPrice))
    this.#number(names.volume, depth.Volume)
    this.#number(names.turnover, orNull(depth.Turnover))
    this.#number(names.openInterest, orNull(depth.OpenInterest))
    this.#number(names.averagePrice, averageOf(depth.AveragePrice, push.averageDivisor))
    if (isSame(texts.slow, depth)) to.part(texts.bytes, texts.idEnd, texts.slowEnd)
    else this.#writeSlow(texts, depth)
    to.bytes(names.bids)
    this.#book(depth.BidPrice, depth.BidVolume)
    to.bytes(names.asks)
    this.#book(depth.AskPrice, depth.AskVolume)
    to.bytes(endOf(push))
    return to.end()
  }

  /** The header block with the message id. */
  header(push: NumberedPush, texts: LaneTexts): Uint8Array {
    const to = this.#to
    this.#renew(push, texts)
    to.begin(mostBytes + texts.idEnd)
    to.part(texts.bytes, texts.middleEnd, texts.idEnd)
    to.number(push.time)
    to.byte(dash)
    to.number(push.hash)
    to.bytes(push.snapshot ? idEnd.snapshot : idEnd.tick)
    return to.end()
  }

  #number(named: Uint8Array, value: number | null): void {
    this.#to.bytes(named)
    this.#to.number(value)
  }

  #writeSlow(texts: LaneTexts, depth: Depth): void {
    const { slow } = texts
    keepSlow(slow, depth)
    const from = this.#to.length
    for (const [i, named] of slowNames.entries()) this.#number(named, orNull(slow[i] as number))
    texts.bytes.set(this.#to.since(from), texts.idEnd)
    texts.slowEnd = texts.idEnd + this.#to.length - from
  }

  #book(prices: number[], volumes: number[]): void {
    const to = this.#to
    let isFirst = true
    for (let level = 0; level < prices.length; level++) {
      const price = prices[level] as number
      const volume = volumes[level] ?? 0
      if (!isLevel(price, volume)) continue
      if (!isFirst) to.byte(comma)
      isFirst = false
      to.byte(open)
      to.number(price)
      to.byte(comma)
      to.number(volume)
      to.byte(close)
    }
  }

  #renew({ line, epoch, tradingDay }: NumberedPush, texts: LaneTexts): void {
    if (texts.epoch === epoch && texts.tradingDay === tradingDay) return
    const { instrument, exchange } = line
    const day = JSON.stringify(tradingDay)
    const head = Buffer.from(`${this.#start}${epoch},"sequence":`)
    const middle = Buffer.from(
      `,"instrument":${JSON.stringify(instrument)},"exchange":"${exchange}","tradingDay":${day},"exchangeTime":`,
    )
    const idStart = Buffer.from(`${headerStart}${inOneLine(`${tradingDay}-${exchange}-${instrument}-`)}`)
    texts.epoch = epoch
    texts.tradingDay = tradingDay
    texts.headEnd = head.length
    texts.middleEnd = texts.headEnd + middle.length
    texts.idEnd = texts.middleEnd + idStart.length
    if (texts.idEnd + mostSlowBytes > texts.bytes.length) texts.bytes = new Uint8Array(texts.idEnd + mostSlowBytes)
    texts.bytes.set(head)
    texts.bytes.set(middle, texts.headEnd)
    texts.bytes.set(idStart, texts.middleEnd)
    // No number's equal: the fields are written anew, behind the rest.
    texts.slow.fill(Number.NaN)
  }

  #time(exchangeTime: number | null): void {
    const to = this.#to
    if (exchangeTime === null) {
      to.number(null)
      return
    }
    const second = Math.floor(exchangeTime / 1000)
    to.bytes(this.#seconds.get(second) ?? this.#addSecond(second))
    to.digits(Math.floor(exchangeTime - second * 1000), 3)
    to.bytes(timeEnd)
  }

  /** From its quote to the point before the milliseconds. */
  #addSecond(second: number): Uint8Array {
    if (this.#seconds.size >= maxSeconds) this.#seconds.clear()
    const bytes = Buffer.from(`"${isoOf(second * 1000).slice(0, -zone.length - 3)}`)
    this.#seconds.set(second, bytes)
    return bytes
  }
}

function isSame(slow: Float64Array, depth: Depth): boolean {
  return (
    slow[0] === depth.OpenPrice &&
    slow[1] === depth.HighestPrice &&
    slow[2] === depth.LowestPrice &&
    slow[3] === depth.ClosePrice &&
    slow[4] === depth.SettlementPrice &&
    slow[5] === depth.PreClosePrice &&
    slow[6] === depth.PreSettlementPrice &&
    slow[7] === depth.PreOpenInterest &&
    slow[8] === depth.UpperLimitPrice &&
    slow[9] === depth.LowerLimitPrice
  )
}

/** In the order of `slowNames`. */
function keepSlow(slow: Float64Array, depth: Depth): void {
  slow[0] = depth.OpenPrice
  slow[1] = depth.HighestPrice
  slow[2] = depth.LowestPrice
  slow[3] = depth.ClosePrice
  slow[4] = depth.SettlementPrice
  slow[5] = depth.PreClosePrice
  slow[6] = depth.PreSettlementPrice
  slow[7] = depth.PreOpenInterest
  slow[8] = depth.UpperLimitPrice
  slow[9] = depth.LowerLimitPrice
}

function endOf({ snapshot, offSession }: NumberedPush): Uint8Array {
  if (snapshot) return offSession ? ends.both : ends.snapshot
  return offSession ? ends.offSession : ends.plain
}
