import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { desiredWith } from './supervisor/testing.ts'

const token = 'a-token-of-the-start'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'feedplane-start-'))
  await write('desired.json', JSON.stringify(desiredWith({})))
  await write('token', token)
})
afterEach(() => rm(directory, { recursive: true }))

const write = (name: string, content: string) => writeFile(join(directory, name), content)

/** The exit code and the last line of a feed that is started and ends by itself. */
async function start(environment: NodeJS.ProcessEnv = {}): Promise<{ code: number; line: Record<string, unknown> }> {
  const env = { PATH: process.env.PATH, FEEDPLANE_DIRECTORY: directory, FEEDPLANE_PORT: '0', ...environment }
  const feed = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const [said, [code]] = await Promise.all([text(feed.stdout), once(feed, 'exit')])
  return { code, line: JSON.parse(said.trimEnd().split('\n').at(-1) ?? '') }
}

describe('a feed that cannot start ends, and its last line says why', () => {
  const causes: [what: string, spoil: () => unknown, reason: string, environment?: NodeJS.ProcessEnv][] = [
    ['has no token', () => rm(join(directory, 'token')), 'TokenInvalid'],
    ['has a token that can be guessed', () => write('token', 'short\n'), 'TokenInvalid'],
    ['has no desired state', () => rm(join(directory, 'desired.json')), 'DesiredInvalid'],
    ['has a desired state of another version', () => write('desired.json', '{"version":2}'), 'DesiredInvalid'],
    ['is given a port that is none', () => undefined, 'SettingsInvalid', { FEEDPLANE_PORT: 'http' }],
  ]
  it.each(causes)(
    'one that %s',
    async (_what, spoil, reason, environment) => {
      await spoil()
      expect(await start(environment)).toMatchObject({ code: 1, line: { reason, msg: 'the feed cannot start' } })
    },
    30_000,
  )

  it('one whose port is taken', async () => {
    const other = createServer()
    await once(other.listen(0, '127.0.0.1'), 'listening')
    const port = String((other.address() as AddressInfo).port)
    const { code, line } = await start({ FEEDPLANE_PORT: port })
    other.close()
    expect({ code, line }).toMatchObject({ code: 1, line: { reason: 'PortUnusable', err: { message: expect.any(String) } } })
    expect(JSON.stringify(line)).toContain(`cannot listen on 127.0.0.1:${port}`)
    expect(JSON.stringify(line)).not.toContain(token)
  })
})
