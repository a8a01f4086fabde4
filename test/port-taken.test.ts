import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')

/** A controller over the quickstart's manifests, on a port, that says why it did not start. */
const program = (directory: string, port: number) => `
import pino from 'pino'
import { startController } from '${join(root, 'controller/controller.ts')}'
const at = name => '${directory}/' + name
await startController({
  manifests: at('manifests'), stateDirectory: at('state'), dataDirectory: at('data'), secretsDirectory: at('secrets'),
  installationDirectory: '${root}', dockerConfigFile: undefined, environment: {}, listen: { host: '127.0.0.1', port: ${port} },
  concurrency: 4, resyncMs: 1000, version: '0.0.0', log: pino({ level: 'silent' }),
}).catch(error => process.stdout.write(error.code))
`

it('a controller whose port is taken says so and ends, with nothing left that would keep it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'feedplane-port-'))
  const taken = createServer()
  try {
    cpSync(join(root, 'examples/quickstart'), join(directory, 'manifests'), { recursive: true })
    taken.listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const args = ['--input-type=module', '-e', program(directory, (taken.address() as AddressInfo).port)]
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], timeout: 30_000 })
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
    expect([said, code]).toEqual(['EADDRINUSE', 0])
  } finally {
    taken.close()
    rmSync(directory, { recursive: true, force: true })
  }
}, 60_000)
