import { join } from 'node:path'
import { startDaemon } from '../test/services/daemon.ts'
import { temporaryDirectory } from '../test/services/directory.ts'
import { freePorts } from '../test/services/port.ts'
import { installationDirectory } from './scene.ts'

/** A running simulator. A second `stop` does nothing. */
export type Front = { port: number; pid: number; stop(): Promise<void> }

/** The simulator in a process of its own. */
export async function startFront(instruments: number, rate: number): Promise<Front> {
  const directory = await temporaryDirectory('front')
  const [port = 0, control = 0] = await freePorts(2)
  const daemon = await startDaemon({
    command: process.execPath,
    args: [
      join(installationDirectory, 'feed/simulator/main.ts'),
      ...['--port', String(port), '--control-port', String(control)],
      ...['--instruments', String(instruments), '--rate', String(rate)],
    ],
    dir: directory.path,
    ready: async () => (await fetch(`http://127.0.0.1:${control}/state`)).ok,
  })
  const stop = async () => {
    await daemon.stop()
    await directory.remove()
  }
  return { port, pid: daemon.pid, stop }
}
