import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteWriter } from './bytewriter.ts'

function written(write: (to: ByteWriter) => void, writer = new ByteWriter()): string {
  writer.begin(200)
  write(writer)
  return Buffer.from(writer.end()).toString()
}

const decimals = fc
  .tuple(fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), fc.integer({ min: 0, max: 9 }))
  .map(([scaled, places]) => scaled / 10 ** places)
const stamp = fc.integer({ min: 0, max: 2 ** 51 }).map(micros => micros / 1000)
const edges = fc.constantFrom(0, -0, 0.1, 1e-6, 1e-7, 999_999_999, 1e9, 1e9 + 1, 2 ** 51, 2 ** 53, 1e21, 1e22, 5e-324, -1e-6)

it('writes numbers as JSON has them', () => {
  fc.assert(
    fc.property(fc.oneof(fc.double(), fc.integer(), decimals, stamp, edges, fc.constant(null)), value => {
      expect(written(to => to.number(value))).toBe(JSON.stringify(value))
    }),
    { numRuns: 20_000 },
  )
})

it('writes bytes as they are, and leaves what it wrote before alone', () => {
  const writer = new ByteWriter()
  writer.begin(100)
  writer.bytes(Buffer.from('沪铜 cu2601'))
  writer.byte(65)
  const first = writer.end()
  const before = Buffer.from(first)
  for (let i = 0; i < 5000; i++) {
    expect(written(to => to.bytes(Buffer.from(`piece ${i}`)), writer)).toBe(`piece ${i}`)
  }
  expect(Buffer.from(first)).toEqual(before)
  expect(before.toString()).toBe('沪铜 cu2601A')
})

it('has a piece that is larger than its slabs', () => {
  const writer = new ByteWriter()
  const bytes = Buffer.alloc(1_000_000, 'x')
  writer.begin(bytes.length)
  writer.bytes(bytes)
  expect(writer.length).toBe(bytes.length)
  expect(Buffer.from(writer.since(999_999)).toString()).toBe('x')
  expect(writer.end()).toHaveLength(bytes.length)
})
