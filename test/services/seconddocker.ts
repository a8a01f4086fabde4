import { execFile } from 'node:child_process'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Daemon, startDaemon } from './daemon.ts'
import { until } from './deadline.ts'
import { temporaryDirectory } from './directory.ts'

const run = promisify(execFile)
const maxOutputBytes = 16 * 1024 * 1024
const readyMs = 60_000

/** A Docker engine beside the machine's own one, to be restarted, frozen and filled. */
export type SecondDocker = {
  /** `unix://` endpoint. */
  readonly endpoint: string
  readonly socket: string
  /** Where its images and containers are: a file system of its own. */
  readonly dataRoot: string
  docker(...args: string[]): Promise<string>
  /** Brings an image of the machine's own engine over. */
  load(reference: string): Promise<void>
  /** SIGTERM, which stops its containers, or SIGKILL; returns when it is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Starts it again after `end`; nothing where it runs. */
  start(): Promise<void>
  freeze(): void
  thaw(): void
  /** Ends it and its containers, and takes file system, bridge and folder away. */
  stop(): Promise<void>
}

/** Engines of this process so far: each has a bridge and a subnet of its own. */
let engines = 0

/**
 * Needs root, and a network namespace in which there is no docker0, which it would delete: it throws where there is one. It has a data root of its own,
 * an ext4 file system of so many bytes in a sparse file, and its own exec root, socket, pid file and bridge.
 */
export async function startSecondDocker(sizeBytes: number): Promise<SecondDocker> {
  await refuseBesideAnother()
  const { path, remove } = await temporaryDirectory('dockerd')
  const number = ++engines
  const bridge = `fp${process.pid % 1_000_000}x${number}`
  const undo: (() => Promise<unknown>)[] = [remove]
  const undoAll = async () => {
    for (const step of undo.splice(0).reverse()) await step().catch(error => console.error('left behind:', String(error)))
  }
  try {
    const dataRoot = await mountDataRoot(path, sizeBytes)
    undo.push(() => unmountAll(path))
    await run('ip', ['link', 'add', bridge, 'type', 'bridge'])
    undo.push(() => run('ip', ['link', 'delete', bridge]))
    const subnet = `10.${200 + ((process.pid + number) % 50)}`
    await run('ip', ['address', 'add', `${subnet}.0.1/24`, 'dev', bridge])
    await run('ip', ['link', 'set', bridge, 'up'])
    const life = await openLife(path, dataRoot, bridge, subnet)
    undo.push(() => life.endForGood())
    return { ...life.docker, stop: undoAll }
  } catch (error) {
    await undoAll()
    throw error
  }
}

/** An engine with another bridge than docker0 deletes docker0 where it finds it, which is the machine's own engine's. */
async function refuseBesideAnother(): Promise<void> {
  const links = (await run('ip', ['-brief', 'link'])).stdout
  if (/^docker0\b/m.test(links))
    throw new Error('a second engine needs a network namespace of its own: npm run test:faults, or unshare --net')
}

async function mountDataRoot(path: string, sizeBytes: number): Promise<string> {
  const [file, dataRoot] = [join(path, 'disk'), join(path, 'data')]
  await mkdir(dataRoot)
  await run('truncate', ['--size', String(sizeBytes), file])
  await run('mkfs.ext4', ['-q', '-F', '-m', '0', file])
  await run('mount', ['-o', 'loop', file, dataRoot])
  return dataRoot
}

// What the engine mounted below its folders first, for the rest is busy until then.
async function unmountAll(path: string): Promise<void> {
  const mounts = async () => {
    const lines = (await readFile('/proc/self/mounts', 'utf8')).split('\n')
    return lines.map(line => line.split(' ')[1] ?? '').filter(point => point.startsWith(`${path}/`))
  }
  await until('the mounts to be gone', async () => {
    for (const point of (await mounts()).reverse()) await run('umount', [point])
    return true
  })
}

async function openLife(path: string, dataRoot: string, bridge: string, subnet: string) {
  const socket = join(path, 'docker.sock')
  const endpoint = `unix://${socket}`
  const docker = async (...args: string[]) => {
    const { stdout } = await run('docker', ['--host', endpoint, ...args], { maxBuffer: maxOutputBytes })
    return stdout.trim()
  }
  const answers = () =>
    docker('version').then(
      () => true,
      () => false,
    )
  const spawn = () =>
    startDaemon({
      command: 'dockerd',
      args: argumentsOf(path, dataRoot, bridge, subnet, endpoint),
      dir: path,
      ready: () => docker('version').then(() => true),
      deadlineMs: readyMs,
    })
  let daemon: Daemon = await spawn()
  return {
    docker: {
      ...{ endpoint, socket, dataRoot, docker },
      load: async (reference: string) => {
        await run('sh', ['-c', 'docker save "$1" | docker --host "$2" load --quiet', 'load', reference, endpoint])
      },
      end: (signal: 'SIGTERM' | 'SIGKILL') => endWithContainerd(daemon, path, signal),
      start: async () => {
        daemon.thaw()
        if (!(await answers())) daemon = await spawn()
      },
      freeze: () => daemon.freeze(),
      thaw: () => daemon.thaw(),
    },
    // A container outlives an engine that was killed: the one that comes after it ends them.
    endForGood: async () => {
      daemon.thaw()
      if (!(await answers())) {
        await endWithContainerd(daemon, path, 'SIGKILL')
        daemon = await spawn()
      }
      const ids = (await docker('ps', '--all', '--quiet')).split('\n').filter(id => id !== '')
      if (ids.length > 0) await docker('rm', '--force', '--volumes', ...ids)
      const networks = (await docker('network', 'ls', '--quiet', '--filter', 'type=custom')).split('\n').filter(id => id !== '')
      if (networks.length > 0) await docker('network', 'rm', ...networks)
      await daemon.stop()
    },
  }
}

/**
 * An engine that was killed leaves its containerd, or on a machine whose first process reaps nobody, the dead of it; the next one takes
 * that for alive by its pid file, and waits for it in vain.
 */
async function endWithContainerd(daemon: Daemon, path: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const file = join(path, 'exec/containerd/containerd.pid')
  const pid = Number(await readFile(file, 'utf8').catch(() => 0))
  await (signal === 'SIGTERM' ? daemon.stop() : daemon.kill())
  if (pid > 0) await run('kill', ['-KILL', String(pid)]).catch(() => undefined)
  await rm(file, { force: true })
}

function argumentsOf(path: string, dataRoot: string, bridge: string, subnet: string, endpoint: string): string[] {
  return [
    ...['--data-root', dataRoot, '--exec-root', join(path, 'exec'), '--pidfile', join(path, 'dockerd.pid')],
    ...['--host', endpoint, '--bridge', bridge, '--iptables=false', '--ip-masq=false', '--log-level', 'warn'],
    ...['--default-address-pool', `base=${subnet}.128.0/17,size=24`],
    ...['--containerd-namespace', bridge, '--containerd-plugins-namespace', `${bridge}-plugins`],
  ]
}
