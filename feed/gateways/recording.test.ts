import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Depth, noValue } from './depth.ts'
import { type Recording, readRecording } from './recording.ts'
import { TickDecoder, tickBytes, tickOffsets } from './tickrecord.ts'

const examples = fileURLToPath(new URL('../../examples/data', import.meta.url))

/** The ticks of a round in the order they are played. */
function ticksOf({ days, records, names }: Recording, round = 0): Depth[] {
  const decoder = new TickDecoder()
  return [...(days[round]?.rows ?? [])].flatMap(record => {
    const name = names[records.getUint32(record * tickBytes + tickOffsets.number, true)]
    return name ? [structuredClone(decoder.decode(records, record * tickBytes, name))] : []
  })
}

describe('a recording', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'recording-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  const header = 'TradingDay,UpdateTime,UpdateMillisec,InstrumentID,LastPrice,Volume'
  function write(name: string, lines: string[], first = header): string {
    const text = [first, ...lines].join('\n')
    writeFileSync(join(directory, name), name.endsWith('.gz') ? gzipSync(text) : text)
    return name
  }
  const read = (files: string[], skipBreaks = false) => readRecording(directory, files, { skipBreaks })
  const times = (recording: Recording, round = 0) => [...(recording.days[round]?.at ?? [])]

  it('reads the quoted layout of 44 columns', () => {
    const recording = readRecording(examples, ['ticks/czce-AP010-20200803.csv.gz'], { skipBreaks: true })
    const [stale, auction] = ticksOf(recording)
    expect(recording.days.map(({ rows }) => rows.length)).toEqual([12_515])
    expect(stale).toMatchObject({
      ActionDay: '20200731',
      TradingDay: '20200803',
      UpdateTime: '19:29:00',
      LastPrice: 7185,
      Volume: 0,
    })
    expect(stale?.SettlementPrice).toBe(noValue)
    expect(auction).toMatchObject({
      InstrumentID: 'AP010',
      ExchangeID: '',
      Volume: 419,
      BidPrice: [7168, 0, 0, 0, 0],
      AveragePrice: 7169,
    })
  })

  it('reads the unquoted layout of 39 columns, where some fields are missing', () => {
    const recording = readRecording(examples, ['ticks/cffex-IF2101-20210104.csv.gz'], { skipBreaks: true })
    const ticks = ticksOf(recording)
    expect(ticks).toHaveLength(27_955)
    expect(ticks[0]).toMatchObject({
      UpdateTime: '09:29:00',
      UpdateMillisec: 400,
      LastPrice: 5230,
      AskPrice: [5230.8, 0, 0, 0, 0],
    })
    expect(ticks[0]).toMatchObject({ ExchangeID: 'CFFEX', ClosePrice: noValue, AveragePrice: noValue })
    expect(ticks.at(-1)).toMatchObject({ UpdateTime: '15:35:19', SettlementPrice: 5278.6 })
  })

  it.each(['N/A', '', '1.7976931348623157E+308', '1.79769313486232e+308'])('takes "%s" for no value', text => {
    const [tick] = ticksOf(read([write('a.csv', [`20260102,09:00:00,0,rb2605,${text},0`])]))
    expect(tick?.LastPrice).toBe(noValue)
    expect(tick?.BidVolume).toEqual([0, 0, 0, 0, 0])
  })

  it('begins a trading day with the evening before it', () => {
    write('day.csv.gz', ['20260102,09:00:00,0,rb2605,1,2', '20260102,15:30:00,0,rb2605,1,3'])
    write('night.csv', ['20260102,21:00:00,500,au2606,1,0', '20260102,01:00:00,0,au2606,1,1'])
    expect(ticksOf(read(['day.csv.gz', 'night.csv'])).map(({ Volume }) => Volume)).toEqual([0, 1, 2, 3])
  })

  it('merges files by their time and keeps a file in its order', () => {
    write('a.csv', ['20260102,09:00:01,0,rb2605,1,1', '20260102,09:00:00,0,rb2605,1,2', '20260102,09:00:01,0,rb2605,1,3'])
    write('b.csv', ['20260105,09:00:00,500,i2605,1,0', '20260105,09:00:01,500,i2605,1,4'])
    const recording = read(['a.csv', 'b.csv'])
    expect(ticksOf(recording).map(({ Volume }) => Volume)).toEqual([0, 1, 2, 3, 4])
    expect(times(recording)).toEqual([0, 500, 500, 500, 1000])
  })

  it('makes silences of more than five seconds one second long where breaks are skipped', () => {
    const lines = ['09:00:00', '09:00:05', '09:00:11', '13:30:00'].map(time => `20260102,${time},0,rb2605,1,1`)
    expect(times(read([write('a.csv', lines)], true))).toEqual([0, 5000, 6000, 7000])
    expect(times(read(['a.csv'], false))).toEqual([0, 5000, 11_000, 16_200_000])
  })

  it('plays the days of an instrument in rounds, in which others repeat theirs', () => {
    write('second.csv', ['20260105,09:00:00,0,rb2605,2,1'])
    write('first.csv', ['20260102,09:00:00,0,rb2605,1,1'])
    write('other.csv', ['20250102,09:00:00,0,i2605,9,1'])
    const recording = read(['second.csv', 'first.csv', 'other.csv'])
    expect([0, 1].map(round => ticksOf(recording, round).map(({ LastPrice }) => LastPrice))).toEqual([
      [1, 9],
      [2, 9],
    ])
  })

  it.each([
    ['../outside.csv', 'RecordingOutside'],
    ['link.csv', 'RecordingOutside'],
    ['absent.csv', 'RecordingMissing'],
  ])('does not read %s', (file, reason) => {
    mkdirSync(join(directory, 'data'))
    write('outside.csv', ['20260102,09:00:00,0,rb2605,1,1'])
    symlinkSync(join(directory, 'outside.csv'), join(directory, 'data', 'link.csv'))
    expect(() => readRecording(join(directory, 'data'), [file], { skipBreaks: true })).toThrow(
      expect.objectContaining({ reason, class: 'stalled' }),
    )
  })

  it.each([
    ['a price that is no number', ['20260102,09:00:00,0,rb2605,x,1'], 'bad.csv: line 2: LastPrice is "x"'],
    [
      'a time that is none',
      ['20260102,09:00:00,0,rb2605,1,1', '20260102,9:0,0,rb2605,1,1'],
      'bad.csv: line 3: UpdateTime is "9:0"',
    ],
    ['a volume with a fraction', ['20260102,09:00:00,0,rb2605,1,1.5'], 'bad.csv: line 2: Volume is 1.5'],
    ['a line of another length', ['20260102,09:00:00'], 'on line 2'],
    ['nothing', [], 'no tick is in bad.csv'],
  ])('refuses a file with %s, with its place', (_name, lines, message) => {
    write('bad.csv', lines)
    expect(() => read(['bad.csv'])).toThrow(invalid(message))
  })

  it('names a column that is missing', () => {
    write('bad.csv', ['20260102'], 'TradingDay')
    expect(() => read(['bad.csv'])).toThrow(invalid('column InstrumentID, UpdateTime, LastPrice, Volume is missing'))
  })

  it('refuses what is no archive', () => {
    writeFileSync(join(directory, 'bad.csv.gz'), header)
    expect(() => read(['bad.csv.gz'])).toThrow(invalid('recording bad.csv.gz: incorrect header check'))
  })

  const tooLarge = (message: string) =>
    expect.objectContaining({ class: 'stalled', reason: 'RecordingTooLarge', message: expect.stringContaining(message) })

  it.each([
    ['a file of more than 512 MiB', 'long.csv', (path: string) => writeSparse(path)],
    ['one that unpacks to more', 'long.csv.gz', (path: string) => writeBomb(path)],
  ])('refuses %s', (_what, name, make) => {
    make(join(directory, name))
    expect(() => read([name])).toThrow(tooLarge(`recording ${name} has more than 512 MiB`))
  })

  it('refuses more than a million rows, of all files together', () => {
    const lines = Array.from({ length: 200_000 }, () => '20260102,09:00:00,0,rb2605,1,1')
    write('a.csv', lines)
    const five = Array.from({ length: 5 }, () => 'a.csv')
    write('b.csv', lines.slice(0, 1))
    expect(() => read([...five, 'b.csv'])).toThrow(tooLarge('recordings have more than 1000000 rows together'))
  })

  const invalid = (message: string) =>
    expect.objectContaining({ class: 'stalled', reason: 'RecordingInvalid', message: expect.stringContaining(message) })
})

const boundBytes = 512 * 1024 * 1024

/** One byte over the bound, of which the disk holds none. */
function writeSparse(path: string): void {
  writeFileSync(path, '')
  truncateSync(path, boundBytes + 1)
}

/** An archive of many members: half a megabyte that unpacks to more than the bound. */
function writeBomb(path: string): void {
  const member = gzipSync(Buffer.alloc(2 ** 20))
  writeFileSync(path, Buffer.concat(Array.from({ length: boundBytes / 2 ** 20 + 1 }, () => member)))
}
