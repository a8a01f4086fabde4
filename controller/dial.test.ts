import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { dial } from './dial.ts'

describe('a TCP connection', () => {
  it('that is taken says nothing, one that is refused says so', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const url = `tcp://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
    expect(await dial(url, AbortSignal.timeout(5000))).toBeUndefined()
    server.close()
    await once(server, 'close')
    expect(await dial(url, AbortSignal.timeout(5000))).toBe('ECONNREFUSED')
  })

  it('to a name that nobody knows says so, and one that is not awaited any more ends', async () => {
    expect(await dial('tcp://nobody.invalid:1', AbortSignal.timeout(5000))).toMatch(/^(ENOTFOUND|EAI_AGAIN|no answer)/)
    expect(await dial('tcp://127.0.0.1:1', AbortSignal.abort())).toMatch(/no answer/)
  })

  it.each(['', '10.0.0.1:41213', 'tcp://10.0.0.1', 'tcp://10.0.0.1:99999'])(
    'to %j, which is no address, says so',
    async address => {
      expect(await dial(address, AbortSignal.timeout(5000))).toBe('not an address like tcp://HOST:PORT')
    },
  )
})
