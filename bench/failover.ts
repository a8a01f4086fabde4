import { setTimeout as delay } from 'node:timers/promises'
import type { Account } from '../crds/contract/desired.ts'
import { type Consumer, openConsumer } from '../feed/client/consumer.ts'
import { defaultUniverse, readUniverse } from '../feed/simulator/universe.ts'
import { until } from '../test/services/deadline.ts'
import { startNats } from '../test/services/nats.ts'
import type { Beside, Figure } from './figure.ts'
import { startFront } from './front.ts'
import { feedKey, simulatedManifests } from './manifests.ts'
import type { Measurement } from './measurement.ts'
import { type Noticing, openNoticing } from './noticing.ts'
import { median, percentile } from './sample.ts'
import { openScene, type Scene } from './scene.ts'

const instrumentCount = 2000
const ticksPerInstrument = 2
/** Rest after each flip, and up to so much more, so that flips fall into all phases of the market's turns. */
const restMs = 400
const jitterMs = 200

export const failoverWarm: Measurement = {
  name: 'failover-warm',
  about: 'edit of one line to the first tick of the backup, which is logged in and subscribed',
  needs: ['nats-server'],
  limitMs: 150_000,
  measure: signal => measure('warm', 20, { of: 'value', atMost: 150 }, signal),
}

export const failoverCold: Measurement = {
  name: 'failover-cold',
  about: 'edit of one line to the first tick of the backup, which must log in and subscribe first',
  needs: ['nats-server'],
  limitMs: 120_000,
  measure: signal => measure('cold', 5, { of: 'value', atMost: 2000 }, signal),
}

type Flip = { tickMs: number; pushMs: number; plainMs: number; chokidarMs: number }
type Standby = 'warm' | 'cold'
type Budget = NonNullable<Figure['budget']>
type Stage = { scene: Scene; noticing: Noticing; firstTickOf: (account: Account) => Promise<number> }

async function measure(standby: Standby, flips: number, budget: Budget, signal: AbortSignal): Promise<Figure[]> {
  const world = await openWorld(standby, signal)
  try {
    const { consumer, stage } = world
    await until('ticks of all instruments', () => consumer.counts().accepted > 2 * instrumentCount)
    const samples: Flip[] = []
    for (let flip = 0; flip < flips; flip++) {
      samples.push(await flipOnce(stage, flip % 2 === 0 ? 'backup' : 'primary'))
      await delay(restMs + Math.random() * jitterMs, undefined, { signal })
    }
    return figuresOf(standby, samples, consumer.counts(), budget)
  } finally {
    await world.close()
  }
}

async function flipOnce({ scene, noticing, firstTickOf }: Stage, to: Account): Promise<Flip> {
  const afterGeneration = await scene.generation(feedKey)
  const pushed = scene.logged(({ msg, action }) => msg === 'step' && action === 'Push')
  const ticked = firstTickOf(to)
  const at = scene.edit('feed.yaml', `active: ${to === 'backup' ? 'primary' : 'backup'}`, `active: ${to}`)
  const [tickAt, { at: pushedAt }, noticed] = await Promise.all([ticked, pushed, noticing.latencies(at)])
  await scene.settled(feedKey, { afterGeneration, active: to })
  return { tickMs: tickAt - at, pushMs: pushedAt - at, ...noticed }
}

function figuresOf(standby: Standby, flips: Flip[], counts: ReturnType<Consumer['counts']>, budget: Budget): Figure[] {
  const of = (member: keyof Flip) => flips.map(flip => flip[member])
  const named = `failover by editing one line, ${standby} standby`
  const noticing: Beside[] = [
    { kind: 'floor', name: "chokidar's event for the same edits", value: median(of('chokidarMs')) },
    { kind: 'floor', name: 'fs.watch event for the same edits', value: median(of('plainMs')) },
    { kind: 'floor', name: 'mean wait for the next tick', value: 1000 / (instrumentCount * ticksPerInstrument) },
  ]
  const n = flips.length
  const { missing, duplicates, stale, malformed, accepted, gaps } = counts
  const row = (member: 'tickMs' | 'pushMs') => ({
    unit: 'ms' as const,
    value: median(of(member)),
    p99: percentile(of(member), 0.99),
    n,
  })
  return [
    { name: `${named}: to the backup's first tick`, ...row('tickMs'), beside: noticing, budget },
    { name: `${named}: to the push to the feed`, ...row('pushMs'), beside: noticing.slice(0, 1) },
    {
      name: `${named}: ticks lost or doubled`,
      unit: 'count',
      value: missing + duplicates + stale + malformed,
      n: accepted,
      budget: { of: 'value', atMost: 0 },
      note: `of ${accepted} ticks over ${n} flips: ${missing} missing, ${duplicates} doubled, ${stale} of a deposed publisher; ${gaps} gaps told by the feed`,
    },
  ]
}

/** Server, front, controller and consumer, each in its process but the consumer. Closes in the other order. */
async function openWorld(standby: Standby, signal: AbortSignal) {
  const closing: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const end of closing.reverse()) await end()
  }
  const own = <T>(thing: T, end: (thing: T) => Promise<unknown>): T => {
    closing.push(() => end(thing))
    return thing
  }
  try {
    const nats = own(await startNats(), each => each.stop())
    const { port } = own(await startFront(instrumentCount, ticksPerInstrument), each => each.stop())
    const universe = await readUniverse([defaultUniverse], instrumentCount)
    const instruments = `instruments: ${JSON.stringify(universe.map(({ exchange, id }) => `${exchange}.${id}`))}`
    const bus = `{type: jetstream, servers: ['${nats.url}'], maxBytes: 268435456}`
    const scene = own(await openScene(simulatedManifests({ front: port, publish: bus, instruments, standby }), signal), each =>
      each.close(),
    )
    await scene.settled(feedKey, {})
    const ears = listening()
    const source = { type: 'jetstream' as const, servers: [nats.url], subjectPrefix: 'market.tick', stream: 'TICKS' }
    const consumer = own(await openConsumer({ ...source, onTick: ({ account }) => ears.hear(account) }), each => each.close())
    const noticing = own(await openNoticing(scene.manifests), each => each.close())
    return { consumer, stage: { scene, noticing, firstTickOf: ears.first }, close }
  } catch (error) {
    await close()
    throw error
  }
}

function listening() {
  let waiting: { account: Account; resolve: (at: number) => void } | undefined
  return {
    hear(account: Account) {
      if (waiting?.account !== account) return
      waiting.resolve(performance.now())
      waiting = undefined
    },
    first: (account: Account): Promise<number> =>
      new Promise(resolve => {
        waiting = { account, resolve }
      }),
  }
}
