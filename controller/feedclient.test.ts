import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Desired, DesiredBody, InstrumentGroup } from '../crds/contract/desired.ts'
import { digestOf } from '../crds/contract/digest.ts'
import { feedClient } from './feedclient.ts'

const pushed: DesiredBody[] = []
let server: Server
let endpoint: string

beforeAll(async () => {
  server = createServer(async (request, response) => {
    pushed.push((await json(request)) as DesiredBody)
    response.end('{}')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})

const apples = (...instruments: string[]): InstrumentGroup => ({
  ...{ exchange: 'CZCE', product: 'AP', class: 'future', multiplier: 10, priceTick: 1 },
  windows: { day: [['09:00:00', '10:15:00']] },
  instruments,
})

it('a push leaves the instruments out that the feed is known to have, and only those', async () => {
  const instrumentGroups = [apples('AP010', 'AP011')]
  const rest = { version: 1, feed: 'test/feed', revision: 1, epoch: 2, launch: {} as Desired['launch'] } as const
  const live = { role: 'publisher', active: 'backup', standby: 'warm' } as Desired['live']
  const desired = { ...rest, live: { ...live, instrumentGroups } }
  const instrumentsDigest = digestOf(instrumentGroups)
  for (const known of [undefined, digestOf([apples('AP010')]), instrumentsDigest])
    await feedClient.push(endpoint, 'token', desired, known, AbortSignal.timeout(5000))
  expect(pushed).toEqual([desired, desired, { ...rest, live: { ...live, instrumentsDigest } }])
})
