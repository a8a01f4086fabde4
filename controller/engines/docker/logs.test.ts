import { expect, it } from 'vitest'
import { decodeLogs } from './logs.ts'

const frame = (type: number, text: string | Buffer): Buffer => {
  const header = Buffer.alloc(8)
  header.writeUInt8(type)
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

it('keeps the lines of both streams whole and in order', () => {
  const data = Buffer.concat([frame(1, 'one\n'), frame(2, 'half '), frame(1, 'two\n'), frame(2, 'a line\n'), frame(1, 'end')])
  expect(decodeLogs(data, false)).toBe('one\ntwo\nhalf a line\nend')
})

it('joins a character that two frames share', () => {
  const character = Buffer.from('铜\n')
  expect(decodeLogs(Buffer.concat([frame(1, character.subarray(0, 2)), frame(1, character.subarray(2))]), false)).toBe('铜\n')
})

it('gives what there is of a frame that was cut, and a terminal as it is', () => {
  expect(decodeLogs(frame(1, 'truncated\n').subarray(0, 12), false)).toBe('trun')
  expect(decodeLogs(Buffer.from('plain\n'), true)).toBe('plain\n')
  expect(decodeLogs(Buffer.alloc(0), false)).toBe('')
})
