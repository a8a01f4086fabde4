import type { Exchange } from './catalogue.ts'

/**
 * One tick on the wire (JSON). `null` is "no value" (CTP's DBL_MAX), never 0. Prices are in the contract's currency, volumes in
 * lots. Books are best first, up to five levels, without the empty ones.
 *
 * Three clocks: `exchangeTime` (the exchange's own, ISO 8601 with +08:00 and milliseconds, or null before the first trade day is
 * known), `receivedAt` (the gateway's callback) and `publishedAt` (just before the bus), both in milliseconds since 1970 with
 * microsecond decimals.
 */
export type Tick = {
  feed: string
  account: 'primary' | 'backup'
  /** Grows with every change of publisher. */
  epoch: number
  /** Per instrument, contiguous from 1; a flip goes on where the deposed account stopped. */
  sequence: number
  instrument: string
  exchange: Exchange
  /** YYYYMMDD: the day that the exchange books the tick under; at night the next trading day. */
  tradingDay: string
  exchangeTime: string | null
  receivedAt: number
  publishedAt: number
  /** The first push of an instrument after a subscription: the state at that moment, not a fresh tick. */
  snapshot?: true
  /** Came outside the sessions of its product, of which the call auction is part: before it, in a break, settlement after the close. */
  offSession?: true
  last: number | null
  volume: number
  turnover: number | null
  openInterest: number | null
  averagePrice: number | null
  open: number | null
  high: number | null
  low: number | null
  close: number | null
  settlement: number | null
  previousClose: number | null
  previousSettlement: number | null
  previousOpenInterest: number | null
  upperLimit: number | null
  lowerLimit: number | null
  bids: [price: number, volume: number][]
  asks: [price: number, volume: number][]
}

/** NATS headers of a tick. `Nats-Msg-Id` is deterministic: the same tick from either account has the same id. */
export const tickHeaders = { messageId: 'Nats-Msg-Id' } as const

/**
 * A gap, published on `PREFIX-gap.FEED` (dots of the feed's key as `/` -> `.`), kept as an event and counted: ticks between
 * `from` and `to` (ms since 1970) may be missing for `instruments` (a count, with the names where there are at most 100).
 */
export type Gap = {
  feed: string
  epoch: number
  from: number
  to: number
  reason: string
  instrumentCount: number
  instruments: string[]
}
