#!/usr/bin/env node
import { join } from 'node:path'
import { run } from './program.ts'
import { type Terminal, takesColour } from './terminal.ts'

const interruption = new AbortController()
process.once('SIGINT', () => interruption.abort())
process.once('SIGTERM', () => interruption.abort())
// `feedctl get feeds | head` closes the pipe early, which is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 2))

const terminal: Terminal = {
  out: text => process.stdout.write(text),
  err: text => process.stderr.write(text),
  outColour: takesColour(process.stdout),
  errColour: takesColour(process.stderr),
  outInteractive: process.stdout.isTTY === true && process.env.TERM !== 'dumb',
  errInteractive: process.stderr.isTTY === true && process.env.TERM !== 'dumb',
  now: Date.now,
}

process.exitCode = await run(process.argv.slice(2), {
  terminal,
  signal: interruption.signal,
  newToken: () => new Date().toISOString(),
  defaults: {
    server: process.env.FEEDPLANE_SERVER,
    manifests: process.env.FEEDPLANE_MANIFESTS,
    namespace: process.env.FEEDPLANE_NAMESPACE,
    data: process.env.FEEDPLANE_DATA ?? join(import.meta.dirname, '../../examples/data'),
  },
  environment: process.env,
  directory: process.cwd(),
})
