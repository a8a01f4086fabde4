import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { conformance } from './gateway.conformance.ts'
import { type Recording, readRecording } from './recording.ts'
import { ReplayGateway } from './replay.ts'
import { Witness } from './witness.ts'

const dataDirectory = fileURLToPath(new URL('../../examples/data', import.meta.url))
const files = ['ticks/cffex-IF2101-20210104.csv.gz', 'ticks/czce-AP010-20200803.csv.gz', 'ticks/czce-AP010-20200804.csv.gz']
const recording: Recording = readRecording(dataDirectory, files, { skipBreaks: true })
const secrets = { BROKER_ID: '9999', USER_ID: 'alice', PASSWORD: 'any' }

conformance('the replay gateway', openBench, { hasConnection: false })

async function openBench() {
  return {
    gateway: () => new ReplayGateway({ recording, speed: 1000, loop: true }),
    secrets,
    refused: { ...secrets, USER_ID: 'refused' },
    instruments: ['AP010', 'IF2101'] as [string, string],
    close: async () => {},
  }
}

describe('the replay gateway', () => {
  const [firstDay = 0, secondDay = 0] = recording.days.map(({ durationMs }) => durationMs)
  const round = firstDay + secondDay
  /** A moment at which round number 2000 begins. */
  const beginning = 1000 * round
  const gateways: ReplayGateway[] = []

  beforeEach(() => {
    vi.useFakeTimers({ now: beginning, toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'Date'] })
  })
  afterEach(async () => {
    for (const gateway of gateways.splice(0)) await gateway.close()
    vi.useRealTimers()
  })

  async function play(options: { speed?: number; loop?: boolean } = {}): Promise<Witness> {
    const gateway = new ReplayGateway({ recording, speed: 1, loop: true, ...options })
    gateways.push(gateway)
    const witness = new Witness(gateway)
    await vi.advanceTimersByTimeAsync(1)
    gateway.login(secrets)
    await vi.advanceTimersByTimeAsync(1)
    gateway.subscribe(['AP010', 'IF2101'])
    await vi.advanceTimersByTimeAsync(1)
    return witness
  }

  const contents = (witness: Witness) => witness.all('depth').map(({ depth }) => depth)

  it('plays every row of a day once, in order', async () => {
    const witness = await play({ speed: 100, loop: false })
    await vi.advanceTimersByTimeAsync(Math.floor(firstDay / 100) - 8)
    expect(witness.all('restarted')).toEqual([{ type: 'restarted', lap: 0 }])
    expect(witness.ticksOf('AP010')).toHaveLength(12_515)
    expect(witness.ticksOf('IF2101')).toHaveLength(27_955)
    const volumes = witness.ticksOf('IF2101').map(({ Volume }) => Volume)
    expect(volumes).toEqual(volumes.toSorted((a, b) => a - b))
  })

  it('pushes the same ticks in two sessions that began at different times', async () => {
    vi.setSystemTime(beginning + 3_600_000)
    const early = await play()
    await vi.advanceTimersByTimeAsync(7_300)
    const late = await play()
    const [before, skipped] = [contents(early).length, contents(late).length]
    await vi.advanceTimersByTimeAsync(60_000)
    expect(contents(late).length - skipped).toBeGreaterThan(100)
    expect(contents(late).slice(skipped)).toEqual(contents(early).slice(before))
  })

  it('pushes the newest row so far as the first one, and not again', async () => {
    vi.setSystemTime(beginning + 3_600_000)
    const witness = await play()
    const [snapshot] = witness.ticksOf('IF2101')
    await vi.advanceTimersByTimeAsync(2000)
    const [, ...ticks] = witness.ticksOf('IF2101')
    const time = (depth = snapshot) => `${depth?.UpdateTime}.${depth?.UpdateMillisec}`
    expect(ticks.length).toBeGreaterThan(0)
    expect(ticks.every(depth => time(depth) > time(snapshot))).toBe(true)
  })

  it('tells each new round with its number, and pushes states first', async () => {
    vi.setSystemTime(beginning + firstDay - 500)
    const witness = await play()
    await vi.advanceTimersByTimeAsync(2000)
    expect(witness.all('restarted').map(({ lap }) => lap)).toEqual([2000, 2001])
    const restarted = witness.events.findLastIndex(({ type }) => type === 'restarted')
    const states = witness.events.slice(restarted + 1, restarted + 3)
    expect(
      states.map(event => event.type === 'depth' && [event.depth.InstrumentID, event.depth.TradingDay, event.depth.Volume]),
    ).toEqual([
      ['IF2101', '20210104', 240],
      ['AP010', '20200804', 0],
    ])
  })

  it('falls silent at the end without a loop', async () => {
    const witness = await play({ speed: 1000, loop: false })
    await vi.advanceTimersByTimeAsync(round / 1000 + 1000)
    const ticks = contents(witness).length
    expect(witness.all('restarted').map(({ lap }) => lap)).toEqual([0, 1])
    await vi.advanceTimersByTimeAsync(round / 1000)
    expect(contents(witness)).toHaveLength(ticks)
  })

  it('leaves out what a long pause of the process missed', async () => {
    vi.setSystemTime(beginning + 3_600_000)
    const witness = await play()
    const ticks = contents(witness).length
    vi.setSystemTime(Date.now() + 600_000)
    await vi.advanceTimersByTimeAsync(1000)
    expect(contents(witness).length - ticks).toBeLessThan(31 * 4)
    expect(contents(witness).length - ticks).toBeGreaterThan(30)
  })
})
