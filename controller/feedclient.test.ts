import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type DesiredBody, desiredBodySchema } from '../crds/contract/desired.ts'
import { digestOf } from '../crds/contract/digest.ts'
import { groupOf } from '../feed/session/testing.ts'
import { desiredWith } from '../feed/supervisor/testing.ts'
import { feedClient } from './feedclient.ts'

const pushed: DesiredBody[] = []
let server: Server
let endpoint: string

beforeAll(async () => {
  server = createServer(async (request, response) => {
    pushed.push(desiredBodySchema.parse(await json(request)))
    response.end('{}')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})

it('a push leaves the instruments out that the feed is known to have, and only those', async () => {
  const { live, ...rest } = desiredWith({})
  const instrumentGroups = [groupOf(['AP010', 'AP011'])]
  const desired = { ...rest, live: { ...live, instrumentGroups } }
  const instrumentsDigest = digestOf(instrumentGroups)
  for (const known of [undefined, digestOf([groupOf(['AP010'])]), instrumentsDigest])
    await feedClient.push(endpoint, 'token', desired, known, AbortSignal.timeout(5000))
  const { instrumentGroups: _groups, ...others } = live
  expect(pushed).toEqual([desired, desired, { ...rest, live: { ...others, instrumentsDigest } }])
})
