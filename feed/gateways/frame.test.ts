import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { noValue } from './depth.ts'
import { controlFrame, FrameReader, heartbeatFrame, maxFrameBytes } from './frame.ts'
import { encodeTick, priceFields, TickDecoder, type TickRecord, tickBytes } from './tickrecord.ts'

const record: TickRecord = {
  tradingDay: 20260102,
  actionDay: 20251231,
  second: 21 * 3600 + 61,
  millisecond: 500,
  prices: [...Array(23).keys(), noValue],
  volumes: [...Array(11).keys()].map(volume => volume * 1000),
}

function tickFrame(number: number): Buffer {
  const frame = Buffer.alloc(tickBytes)
  encodeTick(new DataView(frame.buffer, frame.byteOffset, frame.length), 0, number, record)
  return frame
}

function read(chunks: Buffer[]): unknown[] {
  const seen: unknown[] = []
  const decoder = new TickDecoder()
  const reader = new FrameReader(tickBytes, {
    control: message => seen.push(message),
    tick: (view, offset) => seen.push(structuredClone(decoder.decode(view, offset, { InstrumentID: 'AP010', ExchangeID: '' }))),
  })
  for (const chunk of chunks) reader.push(chunk)
  return seen
}

describe('the frame reader', () => {
  const stream = Buffer.concat([
    controlFrame({ op: 'a' }),
    tickFrame(1),
    heartbeatFrame(),
    tickFrame(2),
    controlFrame({ op: '期货' }),
  ])

  it('reads the same frames however the stream is cut', () => {
    const whole = read([stream])
    expect(whole).toHaveLength(4)
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), cuts => {
        const bounds = [0, ...cuts.sort((a, b) => a - b), stream.length]
        expect(read(bounds.slice(1).map((to, index) => stream.subarray(bounds[index], to)))).toEqual(whole)
      }),
    )
  })

  it('reads back each field of a tick', () => {
    expect(read([tickFrame(7)])).toEqual([
      expect.objectContaining({
        TradingDay: '20260102',
        ActionDay: '20251231',
        UpdateTime: '21:01:01',
        UpdateMillisec: 500,
        InstrumentID: 'AP010',
        LastPrice: 0,
        AveragePrice: 13,
        Volume: 0,
        BidPrice: [14, 15, 16, 17, 18],
        AskPrice: [19, 20, 21, 22, noValue],
        BidVolume: [1000, 2000, 3000, 4000, 5000],
        AskVolume: [6000, 7000, 8000, 9000, 10000],
      }),
    ])
  })

  it('reads back whatever a record can hold, one after the other from the same table', () => {
    const price = fc.oneof(fc.double({ noNaN: true }), fc.constant(noValue))
    const records = fc.record({
      tradingDay: fc.integer({ min: 19_900_101, max: 21_001_231 }),
      actionDay: fc.integer({ min: 0, max: 21_001_231 }),
      second: fc.nat(86_399),
      millisecond: fc.nat(999),
      prices: fc.array(price, { minLength: 24, maxLength: 24 }),
      volumes: fc.array(fc.nat(2 ** 31 - 1), { minLength: 11, maxLength: 11 }),
    })
    fc.assert(
      fc.property(fc.array(records, { minLength: 1, maxLength: 5 }), table => {
        const view = new DataView(new ArrayBuffer(table.length * tickBytes))
        for (const [i, each] of table.entries()) encodeTick(view, i * tickBytes, i, each)
        const decoder = new TickDecoder()
        for (const [i, each] of table.entries()) {
          const depth = decoder.decode(view, i * tickBytes, { InstrumentID: `i${i}`, ExchangeID: 'DCE' })
          expect(depth).toMatchObject({ InstrumentID: `i${i}`, ExchangeID: 'DCE', UpdateMillisec: each.millisecond })
          expect([Number(depth.TradingDay), Number(depth.ActionDay)]).toEqual([each.tradingDay, each.actionDay])
          expect(Date.parse(`1970-01-01T${depth.UpdateTime}Z`)).toBe(each.second * 1000)
          expect([...priceFields.map(field => depth[field]), ...depth.BidPrice, ...depth.AskPrice]).toEqual(each.prices)
          expect([depth.Volume, ...depth.BidVolume, ...depth.AskVolume]).toEqual(each.volumes)
        }
      }),
    )
  })

  it.each([
    ['an endless frame', Buffer.from([0xff, 0xff, 0xff, 0x7f, 1])],
    ['an empty frame', Buffer.from([0, 0, 0, 0, 1])],
    ['an unknown type', Buffer.from([1, 0, 0, 0, 9])],
    ['a tick of another size', Buffer.from([2, 0, 0, 0, 2, 0])],
    ['a control frame that is not JSON', Buffer.from([2, 0, 0, 0, 1, 0x7b])],
  ])('refuses %s as a bad packet', (_name, bytes) => {
    expect(maxFrameBytes).toBeLessThan(0x7fffffff)
    expect(() => read([bytes])).toThrow(expect.objectContaining({ reason: 'BadPacket', class: 'transient' }))
  })

  it('lets an error of a handler through as it is', () => {
    const broken = new Error('broken handler')
    const reader = new FrameReader(tickBytes, {
      control: () => {
        throw broken
      },
      tick: () => {},
    })
    expect(() => reader.push(controlFrame({}))).toThrow(broken)
  })
})
