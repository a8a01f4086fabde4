// needs: nats-server
import { expect, it } from 'vitest'
import type { ConsumersReport } from '../crds/contract/feedstatus.ts'
import { Ground } from './feed/ground.ts'
import { until } from './services/deadline.ts'

const consumersThat = (ground: Ground, what: string, hold: (consumers: ConsumersReport) => boolean) =>
  until(what, async () => {
    const { consumers } = await ground.stage.feed.status()
    return consumers !== undefined && hold(consumers) && consumers
  })

const itemOf = ({ items }: ConsumersReport, name: string) => items.find(item => item.name === name)

it('a feed tells how far behind the consumers of its stream are, also after the bus was away', () =>
  Ground.with(async ground => {
    await ground.publish('jetstream')
    await ground.streams(manager =>
      manager.consumers.add('TICKS', { durable_name: 'idle', ack_policy: 'explicit', deliver_policy: 'new' }),
    )
    const seen = await consumersThat(ground, 'a backlog', one => (itemOf(one, 'idle')?.backlog ?? 0) > 100)
    expect(seen).toMatchObject({ stream: { name: 'TICKS', limitBytes: 67_108_864 }, omitted: 0 })
    expect(itemOf(seen, '*')).toBeDefined()
    const labels = '{stream="TICKS",consumer="idle",feed="test/feed"}'
    expect(await ground.stage.metric(`md_consumer_backlog_messages${labels}`)).toBeGreaterThan(100)
    expect(await ground.stage.metric(`md_consumer_unacknowledged_messages${labels}`)).toBe(0)
    expect(await ground.stage.metric('md_stream_bytes{')).toBeGreaterThan(0)
    await ground.nats.kill()
    const stale = await consumersThat(ground, 'the bus to be missed', ({ message }) => message !== undefined)
    expect(itemOf(stale, 'idle')).toBeDefined()
    await ground.stage.eventOf('ConsumersUnread')
    await ground.nats.restart()
    await consumersThat(ground, 'a newer reading', ({ at = 0, message }) => at > (stale.at ?? 0) && message === undefined)
  }))
