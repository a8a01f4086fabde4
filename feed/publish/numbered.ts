import type { Exchange } from '../../crds/contract/catalogue.ts'
import type { Depth } from '../gateways/depth.ts'
import type { Lane } from './lane.ts'

/** An instrument as its publisher sees it. One session has one publisher, which keeps the lane. */
export type TickLine = { instrument: string; exchange: Exchange; lane?: Lane | undefined }

/**
 * A push that has passed the gate, with its number: all that a tick says but the feed's name, its account and `publishedAt`. It holds until the call that
 * hands it over returns, because its depth is the gateway's, which writes it anew.
 */
export type NumberedPush = {
  line: TickLine
  depth: Depth
  epoch: number
  sequence: number
  /** YYYYMMDD: at night the front's, where the push has the calendar's. */
  tradingDay: string
  /** What the front's average is divided by. */
  averageDivisor: number
  /** ms since 1970; `null` where the front says none. */
  exchangeTime: number | null
  /** The gate's time, by which pushes are ordered: as `exchangeTime`, but 0 for none, and later in each round of a recording. */
  time: number
  /** Of what the push says. */
  hash: number
  receivedAt: number
  snapshot: boolean
  offSession: boolean
}
