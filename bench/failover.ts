import { setTimeout as delay } from 'node:timers/promises'
import { abortable } from '../controller/engines/mutex.ts'
import type { Account } from '../crds/contract/desired.ts'
import type { FeedStatus } from '../crds/feed.ts'
import { type Consumer, openConsumer } from '../feed/client/consumer.ts'
import { until } from '../test/services/deadline.ts'
import { startNats } from '../test/services/nats.ts'
import { marketData } from './catalogue.ts'
import type { Beside, Figure } from './figure.ts'
import { startFront } from './front.ts'
import { feedKey, simulatedManifests } from './manifests.ts'
import { type Extent, type Measurement, settleMs } from './measurement.ts'
import { type Noticing, openNoticing } from './noticing.ts'
import { median, percentile } from './sample.ts'
import { openScene, type Scene } from './scene.ts'

/** Rest after each flip, and up to so much more, so that flips fall into all phases of the market's turns. */
const restMs = 400
const jitterMs = 200
/** All instruments have logged in, subscribed and shown their first push; also what the ticks after the last flip may take. */
const ticksDeadlineMs = 60_000

export const failoverWarm: Measurement = {
  name: 'failover-warm',
  about: 'edit of one line to the first tick of the backup, which is logged in and subscribed; --flips 100 --instruments 20000',
  needs: ['nats-server'],
  // A thousand flips at the most, each with its rest and its look at the result.
  limitMs: 30 * 60_000,
  measure: (signal, extent) => measure({ ...extent, standby: 'warm' }, { of: 'p99', atMost: 150 }, signal),
}

export const failoverCold: Measurement = {
  name: 'failover-cold',
  about: 'edit of one line to the first tick of the backup, which must log in and subscribe first',
  needs: ['nats-server'],
  limitMs: 120_000,
  measure: signal => measure({ flips: 5, instruments: 2000, rate: 2, standby: 'cold' }, { of: 'value', atMost: 2000 }, signal),
}

/** From the edit, but `closedMs` and `openedMs`, which the feed takes from when it was told. */
type Flip = {
  tickMs: number
  pushMs: number
  plainMs: number
  chokidarMs: number
  closedMs: number | undefined
  openedMs: number | undefined
}
type Standby = 'warm' | 'cold'
type Course = Pick<Extent, 'flips' | 'instruments' | 'rate'> & { standby: Standby }
type Budget = NonNullable<Figure['budget']>
type Stage = { scene: Scene; noticing: Noticing; firstTickOf: (account: Account) => Promise<number> }

async function measure(course: Course, budget: Budget, signal: AbortSignal): Promise<Figure[]> {
  const world = await openWorld(course, signal)
  try {
    const { consumer, stage } = world
    const ticksOfAll = async (times: number) => {
      const enough = consumer.counts().accepted + times * course.instruments
      await until('ticks of all instruments', () => consumer.counts().accepted >= enough, ticksDeadlineMs)
    }
    await ticksOfAll(2)
    await delay(settleMs, undefined, { signal })
    const samples: Flip[] = []
    for (let flip = 0; flip < course.flips; flip++) {
      samples.push(await abortable(flipOnce(stage, flip % 2 === 0 ? 'backup' : 'primary'), signal))
      await delay(restMs + Math.random() * jitterMs, undefined, { signal })
    }
    // What the last flip lost shows in the ticks after it.
    await ticksOfAll(1)
    return figuresOf(course, samples, consumer.counts(), budget)
  } finally {
    await world.close()
  }
}

async function flipOnce({ scene, noticing, firstTickOf }: Stage, to: Account): Promise<Flip> {
  const afterGeneration = await scene.generation(feedKey)
  const pushed = scene.logged(({ msg, action }) => msg === 'step' && action === 'Push')
  const ticked = firstTickOf(to)
  const since = Date.now()
  const at = scene.edit('feed.yaml', `active: ${to === 'backup' ? 'primary' : 'backup'}`, `active: ${to}`)
  const [tickAt, { at: pushedAt }, noticed] = await Promise.all([ticked, pushed, noticing.latencies(at)])
  const { view } = await scene.settled(feedKey, { afterGeneration, active: to })
  const { closedMs, openedMs } = phasesOf(view.status as FeedStatus, since)
  return { tickMs: tickAt - at, pushMs: pushedAt - at, ...noticed, closedMs, openedMs }
}

/** Of the flip after `since`; none where the controller has not written them down yet. */
function phasesOf({ lastFailover }: FeedStatus, since: number) {
  const isOfThis = lastFailover !== undefined && Date.parse(lastFailover.at) >= since
  return { closedMs: undefined, openedMs: undefined, ...(isOfThis && lastFailover.phases) }
}

function figuresOf(course: Course, flips: Flip[], counts: ReturnType<Consumer['counts']>, budget: Budget): Figure[] {
  const of = (member: keyof Flip) => flips.flatMap(flip => flip[member] ?? [])
  const { standby, instruments, rate } = course
  const named = `failover by editing one line, ${standby} standby, ${instruments} instruments at ${rate} ticks/s`
  const noticing: Beside[] = [
    { kind: 'floor', name: "chokidar's event for the same edits", value: median(of('chokidarMs')) },
    { kind: 'floor', name: 'fs.watch event for the same edits', value: median(of('plainMs')) },
    { kind: 'floor', name: 'mean wait for the next tick', value: 1000 / (instruments * rate) },
  ]
  const { missing, duplicates, stale, malformed, accepted, gaps } = counts
  const row = (member: keyof Flip) => ({
    unit: 'ms' as const,
    value: median(of(member)),
    p99: percentile(of(member), 0.99),
    n: of(member).length,
  })
  const phase = (name: string, member: 'closedMs' | 'openedMs'): Figure[] =>
    of(member).length === 0 ? [] : [{ name: `${named}: ${name}`, ...row(member) }]
  const ticks = row('tickMs')
  const worst = `the longest took ${Math.max(...of('tickMs')).toFixed(1)} ms`
  return [
    { name: `${named}: to the backup's first tick`, ...ticks, beside: noticing, budget, note: worst },
    { name: `${named}: to the push to the feed`, ...row('pushMs'), beside: noticing.slice(0, 1) },
    ...phase('in the feed, to the old gate closed and its position taken', 'closedMs'),
    ...phase('in the feed, to the new gate open', 'openedMs'),
    {
      name: `${named}: ticks lost or doubled`,
      unit: 'count',
      value: missing + duplicates + stale + malformed,
      n: accepted,
      budget: { of: 'value', atMost: 0 },
      note: `of ${accepted} ticks over ${flips.length} flips: ${missing} missing, ${duplicates} doubled, ${stale} of a deposed publisher; ${gaps} gaps told by the feed`,
    },
  ]
}

/** Server, front, controller and consumer, each in its process but the consumer. Closes in the other order. */
async function openWorld({ standby, instruments, rate }: Course, signal: AbortSignal) {
  const closing: (() => Promise<unknown>)[] = []
  // One that cannot be ended must not keep the others alive.
  const close = async () => {
    const failures: unknown[] = []
    for (const end of closing.reverse()) await end().catch(error => failures.push(error))
    if (failures.length > 0) throw failures[0]
  }
  const own = <T>(thing: T, end: (thing: T) => Promise<unknown>): T => {
    closing.push(() => end(thing))
    return thing
  }
  try {
    const nats = own(await startNats(), each => each.stop())
    const { port } = own(await startFront(instruments, rate), each => each.stop())
    const { path, catalogue } = own(await marketData(instruments), each => each.remove())
    const publish = `{type: jetstream, servers: ['${nats.url}'], maxBytes: 268435456}`
    const manifests = simulatedManifests({ front: port, publish, catalogue, instruments: 'select: [{}]', standby })
    const scene = own(await openScene(manifests, signal, path), each => each.close())
    await scene.settled(feedKey, {})
    const ears = listening()
    const source = {
      type: 'jetstream' as const,
      servers: [nats.url],
      subjectPrefix: 'market.tick',
      stream: 'TICKS',
      from: 'start' as const,
    }
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
