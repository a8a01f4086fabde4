import type { Tick } from '../crds/contract/tick.ts'

const texts = ['feed', 'account', 'instrument', 'exchange', 'tradingDay', 'exchangeTime'] as const
const numbers = [
  ...([
    'receivedAt',
    'publishedAt',
    'last',
    'volume',
    'turnover',
    'openInterest',
    'averagePrice',
    'open',
    'high',
    'low',
  ] as const),
  ...([
    'close',
    'settlement',
    'previousClose',
    'previousSettlement',
    'previousOpenInterest',
    'upperLimit',
    'lowerLimit',
  ] as const),
]
const capacity = 4096

/**
 * A tick as bytes, only to be measured: epoch and sequence, flags, 17 doubles (NaN for null), the book as counts and doubles, texts with
 * a length each. Leaves nothing out, so that it can be compared with the JSON.
 */
export class CompactRecord {
  readonly #buffer = Buffer.alloc(capacity)

  /** The bytes hold until the next call. */
  encode(tick: Tick): Uint8Array {
    const buffer = this.#buffer
    let at = buffer.writeUInt32LE(tick.epoch, 0)
    at = buffer.writeUInt32LE(tick.sequence, at)
    at = buffer.writeUInt8((tick.snapshot ? 1 : 0) | (tick.offSession ? 2 : 0) | (tick.exchangeTime === null ? 4 : 0), at)
    for (const field of numbers) at = buffer.writeDoubleLE(tick[field] ?? Number.NaN, at)
    for (const side of [tick.bids, tick.asks]) {
      at = buffer.writeUInt8(side.length, at)
      for (const [price, volume] of side) at = buffer.writeUInt32LE(volume, buffer.writeDoubleLE(price, at))
    }
    for (const field of texts) at = this.#writeText(tick[field] ?? '', at)
    return buffer.subarray(0, at)
  }

  decode(bytes: Uint8Array): Tick {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const flags = buffer.readUInt8(8)
    let at = 9
    const fields: Record<string, unknown> = { epoch: buffer.readUInt32LE(0), sequence: buffer.readUInt32LE(4) }
    for (const field of numbers) {
      const value = buffer.readDoubleLE(at)
      fields[field] = Number.isNaN(value) ? null : value
      at += 8
    }
    for (const side of ['bids', 'asks']) {
      const levels = buffer.readUInt8(at++)
      fields[side] = Array.from({ length: levels }, (_none, i) => [
        buffer.readDoubleLE(at + i * 12),
        buffer.readUInt32LE(at + i * 12 + 8),
      ])
      at += levels * 12
    }
    for (const field of texts) {
      const length = buffer.readUInt8(at)
      fields[field] = buffer.toString('latin1', at + 1, at + 1 + length)
      at += 1 + length
    }
    if (flags & 1) fields.snapshot = true
    if (flags & 2) fields.offSession = true
    if (flags & 4) fields.exchangeTime = null
    return fields as Tick
  }

  #writeText(text: string, at: number): number {
    this.#buffer.write(text, at + 1, 'latin1')
    this.#buffer[at] = text.length
    return at + 1 + text.length
  }
}
