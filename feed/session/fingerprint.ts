import type { Depth } from '../gateways/depth.ts'

const levels = 5
const values = new Float64Array(10 + 4 * levels)
const words = new Uint32Array(values.buffer)

/** Added once for each earlier push of the same content in the same moment; 2^32 divided by the golden ratio. */
const repeatStep = 2_654_435_761

/**
 * A hash of what a push says, below 2^52: equal for both accounts, whose pushes differ only in ActionDay and the receive time.
 * Two lanes of murmur3's block mix over the values that can change within a day; not for secrets.
 */
export function fingerprintOf(depth: Depth): number {
  fill(depth)
  let high = 0x2f6e2b1
  let low = 0x9747b28
  for (let i = 0; i < words.length; i += 2) {
    high = mix(high, words[i] as number)
    low = mix(low, words[i + 1] as number)
    high = Math.imul(high ^ low, 0x85ebca6b)
  }
  return (finish(high) >>> 0) * 2 ** 20 + (finish(low ^ high) >>> 12)
}

/**
 * Tells the second, third, ... push of one content in one moment from the first. CZCE's times have whole seconds, and a quote can
 * go away and come back within one: both are ticks, and with one id the second would be taken for a copy of the first.
 */
export function repeated(fingerprint: number, times: number): number {
  return fingerprint + times * repeatStep
}

function fill(depth: Depth): void {
  values[0] = depth.LastPrice
  values[1] = depth.Volume
  values[2] = depth.Turnover
  values[3] = depth.OpenInterest
  values[4] = depth.OpenPrice
  values[5] = depth.HighestPrice
  values[6] = depth.LowestPrice
  values[7] = depth.ClosePrice
  values[8] = depth.SettlementPrice
  values[9] = depth.AveragePrice
  for (let level = 0, at = 10; level < levels; level++, at += 4) {
    values[at] = depth.BidPrice[level] ?? 0
    values[at + 1] = depth.BidVolume[level] ?? 0
    values[at + 2] = depth.AskPrice[level] ?? 0
    values[at + 3] = depth.AskVolume[level] ?? 0
  }
}

function mix(lane: number, word: number): number {
  const scrambled = Math.imul(word, 0xcc9e2d51)
  const rotated = Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593)
  const joined = lane ^ rotated
  return (Math.imul((joined << 13) | (joined >>> 19), 5) + 0xe6546b64) | 0
}

function finish(lane: number): number {
  const once = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b)
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35)
  return twice ^ (twice >>> 16)
}
