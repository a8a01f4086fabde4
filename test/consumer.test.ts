// needs: nats-server
import { connect } from '@nats-io/transport-node'
import { expect, it } from 'vitest'
import { openConsumer } from '../feed/client/consumer.ts'
import { until } from './services/deadline.ts'
import { startNats } from './services/nats.ts'

it('of a feed that may not read gaps says which subject is forbidden', async () => {
  const user = { user: 'reader', password: 'reads' }
  const nats = await startNats({ ...user, permissions: { publish: ['market.tick.>'], subscribe: ['market.tick.>', '_INBOX.>'] } })
  try {
    const secrets = { USER: user.user, PASSWORD: user.password }
    const refused = openConsumer({ type: 'nats', servers: [nats.url], subjectPrefix: 'market.tick', secrets })
    await expect(refused).rejects.toThrow(/Permissions Violation .*market\.tick-gap\.>/)
  } finally {
    await nats.stop()
  }
})

it('reads what it may', async () => {
  const nats = await startNats()
  const consumer = await openConsumer({ type: 'nats', servers: [nats.url], subjectPrefix: 'market.tick' })
  const connection = await connect({ servers: nats.url })
  try {
    const tick = { feed: 'n/f', exchange: 'SHFE', instrument: 'rb2605', epoch: 1, sequence: 1 }
    connection.publish('market.tick.SHFE.rb2605', JSON.stringify(tick))
    await until('the tick', () => consumer.counts().accepted === 1)
  } finally {
    await consumer.close()
    await connection.close()
    await nats.stop()
  }
})
