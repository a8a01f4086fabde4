// needs: nats-server
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claimEpoch } from '../feed/supervisor/fence.ts'
import { type Nats, startNats } from './services/nats.ts'

let nats: Nats
let first: NatsConnection
let second: NatsConnection

beforeAll(async () => {
  nats = await startNats()
  first = await connect({ servers: nats.url })
  second = await connect({ servers: nats.url })
}, 30_000)

afterAll(async () => {
  await first?.close()
  await second?.close()
  await nats?.stop()
}, 30_000)

const by = (holder: string, feed: string, connection = holder === 'old' ? first : second) => ({
  ...{ feed, holder },
  connection: () => connection,
})

describe('an epoch', () => {
  it('is claimed once, and again by the same process, and grows', async () => {
    expect(await claimEpoch(1, by('old', 'a/f'))).toBe('claimed')
    expect(await claimEpoch(1, by('old', 'a/f'))).toBe('claimed')
    expect(await claimEpoch(2, by('new', 'a/f'))).toBe('claimed')
  })

  it('that another process has is refused, and so is a lower one: a deposed process does not publish', async () => {
    await claimEpoch(5, by('new', 'b/f'))
    await expect(claimEpoch(5, by('old', 'b/f'))).rejects.toMatchObject({ class: 'stalled', reason: 'Deposed' })
    await expect(claimEpoch(4, by('old', 'b/f'))).rejects.toMatchObject({ class: 'stalled', reason: 'Deposed' })
    await expect(claimEpoch(4, by('new', 'b/f'))).rejects.toMatchObject({ reason: 'Deposed' })
    expect(await claimEpoch(6, by('old', 'b/f'))).toBe('claimed')
  })

  it('that two processes claim at the same time goes to one of them, 50 times out of 50', async () => {
    for (let epoch = 1; epoch <= 50; epoch++) {
      const outcomes = await Promise.allSettled([claimEpoch(epoch, by('old', 'c/f')), claimEpoch(epoch, by('new', 'c/f'))])
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { reason: 'Deposed' } })
    }
  })

  it('of one feed is not that of another', async () => {
    await claimEpoch(9, by('old', 'd/f.1'))
    expect(await claimEpoch(1, by('new', 'd/f'))).toBe('claimed')
  })

  it('cannot be claimed while the bus is away', async () => {
    const away = { feed: 'a/f', holder: 'old', connection: () => undefined }
    await expect(claimEpoch(7, away)).rejects.toMatchObject({ class: 'transient', reason: 'FenceUnreachable' })
  })
})
