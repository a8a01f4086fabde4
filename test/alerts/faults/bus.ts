import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { edit, save } from '../../mainjob/edit.ts'
import type { Injection } from '../../monitoring/injections.ts'
import type { MonitoringStage } from '../../monitoring/stage.ts'
import { until } from '../../services/deadline.ts'
import type { Prometheus } from '../../services/prometheus.ts'
import { startThrottle, type Throttle } from './throttle.ts'

const throttles = new WeakMap<MonitoringStage, Throttle>()

/** Of NATS, the stream and its consumers. */
export const busFaults: Injection[] = [
  {
    fault: 'NATS is killed',
    alerts: ['FeedplaneBusAway'],
    inject: ({ nats }) => nats.kill(),
    mend: ({ nats }) => nats.restart(),
  },
  {
    fault: 'NATS is stopped (SIGSTOP) in a busy market, for longer than the queue lasts',
    alerts: ['FeedplaneBusAway', 'FeedplaneTicksConflated'],
    async inject({ nats, order }) {
      await order({ setRate: { rate: 50 } })
      nats.freeze()
    },
    async mend({ nats, order }) {
      await order({ clear: 'setRate' })
      nats.thaw()
    },
  },
  {
    fault: 'NATS is killed while more instruments tick than the queue has places',
    alerts: ['FeedplaneBusAway', 'FeedplaneTicksDropped'],
    async inject({ nats, manifests, feedFile, prometheus }) {
      save(join(manifests, 'chain.yaml'), chain)
      edit(feedFile, 'subscriptions: [recorded]', 'subscriptions: [recorded, chain]')
      await until('the chain to tick', () => isChainTicking(prometheus), 60_000)
      await nats.kill()
    },
    async mend({ nats, manifests, feedFile, prometheus }) {
      await nats.restart()
      edit(feedFile, 'subscriptions: [recorded, chain]', 'subscriptions: [recorded]')
      rmSync(join(manifests, 'chain.yaml'))
      await until('the chain to be gone', async () => !(await isChainTicking(prometheus)), 60_000)
      await emptyStream(nats.url)
    },
  },
  {
    fault: 'NATS gets half of the time that it needs',
    alerts: ['FeedplaneLatencyHigh'],
    inject: async stage => void throttles.set(stage, startThrottle(stage.nats)),
    mend: async stage => throttles.get(stage)?.stop(),
  },
  {
    fault: 'another publisher fills the stream, and a consumer reads nothing',
    alerts: ['FeedplaneConsumerBacklog', 'FeedplaneStreamNearlyFull'],
    inject: ({ nats }) => withBus(nats.url, fillStream),
    mend: ({ nats }) => emptyStream(nats.url),
  },
  {
    fault: 'the stream is edited: it refuses what it has no room for',
    alerts: ['FeedplaneBusAway', 'FeedplaneTicksDropped'],
    inject: ({ nats }) =>
      withStreams(nats.url, async ({ streams }) => {
        const { bytes } = (await streams.info(stream)).state
        await streams.update(stream, { discard: 'new', max_bytes: bytes })
      }),
    mend: ({ nats }) =>
      withStreams(nats.url, ({ streams }) => streams.update(stream, { discard: 'old', max_bytes: maxStreamBytes })),
  },
]

const chain = `apiVersion: feedplane.dev/v1alpha1
kind: SubscriptionSet
metadata: {name: chain, namespace: quickstart}
spec: {catalogue: instruments/chain.json, select: [{products: [AP]}]}
`

const stream = 'TICKS'
const maxStreamBytes = 16_777_216
/** Together with what the server notes of each, just more than the stream holds. */
const otherMessages = { count: 20_000, bytes: 800, atOnce: 1000 }

const isChainTicking = async ({ query }: Prometheus): Promise<boolean> =>
  (await query('md_subscriptions{state="ticking",account="primary"} > 1000')).length > 0

const emptyStream = (servers: string): Promise<void> => withStreams(servers, ({ streams }) => streams.purge(stream))

async function fillStream(connection: NatsConnection): Promise<void> {
  const client = jetstream(connection)
  const { count, bytes, atOnce } = otherMessages
  const payload = 'x'.repeat(bytes)
  for (let sent = 0; sent < count; sent += atOnce)
    await Promise.all(Array.from({ length: atOnce }, () => client.publish('market.tick.SHFE.other', payload)))
}

async function withStreams(servers: string, act: (manager: JetStreamManager) => Promise<unknown>): Promise<void> {
  await withBus(servers, async connection => act(await jetstreamManager(connection)))
}

/** Acts over a connection of its own. */
export async function withBus(servers: string, act: (connection: NatsConnection) => Promise<unknown>): Promise<void> {
  const connection = await connect({ servers })
  try {
    await act(connection)
  } finally {
    await connection.close()
  }
}
