// needs: nats-server
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { expect, it, onTestFinished } from 'vitest'
import { startNats } from './nats.ts'

it('keeps a stream over a kill and a restart on the same port', async () => {
  const nats = await startNats()
  onTestFinished(nats.stop)
  const before = await connect({ servers: nats.url })
  await (await jetstreamManager(before)).streams.add({ name: 'ticks', subjects: ['t.>'] })
  await jetstream(before).publish('t.a', 'one')
  await before.close()
  await nats.kill()
  await nats.restart()
  const after = await connect({ servers: nats.url })
  const stream = await (await jetstreamManager(after)).streams.info('ticks')
  await after.close()
  expect(stream.state.messages).toBe(1)
})

it('refuses a client without the token', async () => {
  const nats = await startNats({ token: 'right' })
  onTestFinished(nats.stop)
  await expect(connect({ servers: nats.url, token: 'wrong', reconnect: false })).rejects.toThrow(/authorization/i)
  const client = await connect({ servers: nats.url, token: 'right' })
  expect(client.getServer()).toBe(`127.0.0.1:${nats.port}`)
  await client.close()
})
