import { jetstream } from '@nats-io/jetstream'
import { connect, headers, type NatsConnection } from '@nats-io/transport-node'
import { subjectOf } from '../crds/contract/subject.ts'
import { type Tick, tickHeaders } from '../crds/contract/tick.ts'
import type { NumberedPush, TickLine } from '../feed/publish/numbered.ts'
import { openPublisher } from '../feed/publish/open.ts'
import type { Publisher } from '../feed/publish/publisher.ts'
import { sampleLine, samplePush, sampleTick } from '../feed/publish/sampletick.ts'
import { until } from '../test/services/deadline.ts'
import { startNats } from '../test/services/nats.ts'
import type { Figure } from './figure.ts'
import type { Measurement } from './measurement.ts'
import { interleaved, median, timed } from './sample.ts'

const rounds = 7
const instruments = 5000
const ticksEach = 6
/** What a plain program keeps in flight. */
const bareInFlight = 1000

/** Peak rate of one session's way to the bus: queue, encoding, subject, message id and sender; beside loops of nats.js. */
export const publish: Measurement = {
  name: 'publish',
  about: "peak rate of one session's publisher",
  needs: ['nats-server'],
  limitMs: 90_000,
  async measure(signal) {
    const nats = await startNats()
    const bare = await connect({ servers: nats.url })
    const lost: string[] = []
    const core = await openOutlet({ type: 'nats', subjectPrefix: 'core.tick' }, nats.url, lost)
    const stream = await openOutlet({ type: 'jetstream', subjectPrefix: 'stream.tick' }, nats.url, lost)
    try {
      const contenders = {
        core: () => rateOf(core, signal),
        bareCore: () => rateOfLoop(bare, 'bare.tick', true),
        bareIdless: () => rateOfLoop(bare, 'bare.tick', false),
        stream: () => rateOf(stream, signal),
        bareStream: () => rateOfStream(bare, 'stream.tick'),
      }
      await interleaved(1, contenders, signal)
      const figures = figuresOf(await interleaved(rounds, contenders, signal))
      if (lost.length > 0) throw new Error(`the publisher told gaps: ${lost.join(', ')}`)
      return figures
    } finally {
      for (const end of [() => core.publisher.close(), () => stream.publisher.close(), () => bare.close(), () => nats.stop()])
        await end()
    }
  },
}

async function openOutlet(
  { type, subjectPrefix }: { type: 'nats' | 'jetstream'; subjectPrefix: string },
  url: string,
  lost: string[],
): Promise<Ours> {
  const bus = { type, servers: [url], subjectPrefix, stream: 'TICKS', maxAgeSeconds: 60, maxBytes: 268_435_456 }
  const onGap = ({ reason }: { reason: string }) => void lost.push(reason)
  const publisher = await openPublisher(bus, { maxTicks: 65_536 }, { feed: 'bench/demo', account: 'primary', onGap })
  await until('the bus', () => publisher.status().connected)
  return { publisher, lines: Array.from({ length: instruments }, (_none, index) => sampleLine(nameOf(index))) }
}

let sequence = 0

const nameOf = (index: number) => `rb${10_000 + index}`

const idOf = ({ instrument, sequence }: Tick) => `bench/demo:${instrument}:${sequence}`

/** Ticks are made before the clock runs: a gateway makes them, not the publisher. */
function ticks(): Tick[] {
  return Array.from({ length: ticksEach }, () => {
    sequence++
    return Array.from({ length: instruments }, (_none, index) => sampleTick({ instrument: nameOf(index), sequence }))
  }).flat()
}

type Ours = { publisher: Publisher; lines: TickLine[] }

function pushes(lines: TickLine[]): NumberedPush[] {
  return Array.from({ length: ticksEach }, () => {
    sequence++
    return lines.map(line => samplePush(line, { sequence }))
  }).flat()
}

async function rateOf({ publisher, lines }: Ours, signal: AbortSignal): Promise<number> {
  const batch = pushes(lines)
  const tookMs = await timed(() => {
    for (const push of batch) publisher.publish(push)
    return publisher.flush(signal)
  })
  return perSecond(batch, tookMs)
}

async function rateOfLoop(connection: NatsConnection, prefix: string, hasIds: boolean): Promise<number> {
  const batch = ticks()
  const tookMs = await timed(() => {
    for (const tick of batch) {
      const set = hasIds ? headers() : undefined
      set?.set(tickHeaders.messageId, idOf(tick))
      connection.publish(subjectOf(prefix, tick.exchange, tick.instrument), JSON.stringify(tick), set && { headers: set })
    }
    return connection.flush()
  })
  return perSecond(batch, tookMs)
}

/** `js.publish` of nats.js into a stream that captures the prefix, ticks per second. */
export async function rateOfStream(connection: NatsConnection, prefix: string): Promise<number> {
  const batch = ticks()
  const client = jetstream(connection)
  const next = batch.values()
  const publishNext = async () => {
    for (const tick of next) {
      const msgID = `bare:${tick.instrument}:${tick.sequence}`
      await client.publish(subjectOf(prefix, tick.exchange, tick.instrument), JSON.stringify(tick), { msgID })
    }
  }
  const tookMs = await timed(() => Promise.all(Array.from({ length: bareInFlight }, publishNext)))
  return perSecond(batch, tookMs)
}

const perSecond = (batch: unknown[], tookMs: number) => (batch.length / tookMs) * 1000

function figuresOf(rates: Record<'core' | 'bareCore' | 'bareIdless' | 'stream' | 'bareStream', number[]>): Figure[] {
  const row = (name: 'core' | 'stream') => ({ unit: 'per s' as const, value: median(rates[name]), n: rates[name].length })
  return [
    {
      name: 'peak publish rate of one session, core NATS',
      ...row('core'),
      beside: [
        { kind: 'floor', name: 'nats.js: publish in a loop, same messages', value: median(rates.bareCore) },
        { kind: 'floor', name: 'nats.js: publish in a loop, the payload alone', value: median(rates.bareIdless) },
      ],
      budget: { of: 'ratio', atLeast: 0.6 },
    },
    {
      name: 'peak publish rate of one session, JetStream, acknowledged',
      ...row('stream'),
      beside: [
        {
          kind: 'peer',
          name: `nats.js: js.publish with ${bareInFlight} in flight, same messages`,
          value: median(rates.bareStream),
        },
      ],
      budget: { of: 'ratio', atLeast: 0.6 },
    },
  ]
}
