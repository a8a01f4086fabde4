import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { temporaryDirectory } from './services/directory.ts'

/** Where a server listens: a Unix socket, or a port on loopback. */
export type ProxyTarget = string | { port: number; host: '127.0.0.1' }

/** A socket that passes everything on to another one, until it is told not to. */
export type SocketProxy = {
  /** Of a Unix socket; empty where it listens on a port. */
  readonly path: string
  /** Breaks every connection. */
  cut(): void
  /** From now on a request whose head contains the text reaches the engine, and its answer breaks the connection. */
  cutAfter(text: string): void
  /** From now on what answers a request whose head contains the text is lost, and the connection stays open. */
  silence(text: string): void
  /** From now on a request whose head contains the text reaches the engine so many ms late. */
  delay(text: string, delayMs: number): void
  /** From now on a connection breaks once it has answered so many bytes; with 0 it is refused. */
  truncate(bytes: number): void
  /** Ends `cutAfter`, `silence`, `delay` and `truncate`. */
  heal(): void
  /** Nothing passes in either direction; connections stay open. */
  freeze(): void
  /** Lets what was held pass. */
  thaw(): void
  /** New connections pass again; those from before stay silent for ever, and what they held is lost. */
  forget(): void
  stop(): Promise<void>
}

/** Listens on a Unix socket of its own, or on the port that is given. */
export async function startSocketProxy(target: ProxyTarget, port?: number): Promise<SocketProxy> {
  const dir = await temporaryDirectory('proxy')
  const path = port === undefined ? join(dir.path, 'docker.sock') : ''
  const links = new Set<Link>()
  const faults: Faults = { ...sound, frozen: false }
  const server = createServer(client => links.add(linkOf(client, target, faults, link => links.delete(link))))
  await once(port === undefined ? server.listen(path) : server.listen(port, '127.0.0.1'), 'listening')
  const each = (act: (link: Link) => void) => [...links].forEach(act)
  return {
    path,
    cut: () => each(link => link.destroy()),
    cutAfter: text => void Object.assign(faults, { cutAfter: text }),
    silence: text => void Object.assign(faults, { silent: text }),
    delay: (text, delayMs) => void Object.assign(faults, { delayed: { text, delayMs } }),
    truncate: bytes => void Object.assign(faults, { truncateBytes: bytes }),
    heal: () => void Object.assign(faults, sound),
    freeze: () => {
      faults.frozen = true
      each(link => link.pause())
    },
    thaw: () => {
      faults.frozen = false
      each(link => link.resume())
    },
    forget: () => void Object.assign(faults, { frozen: false }),
    stop: async () => {
      each(link => link.destroy())
      await new Promise(resolve => server.close(resolve))
      await dir.remove()
    },
  }
}

type Faults = {
  cutAfter: string | undefined
  silent: string | undefined
  delayed: { text: string; delayMs: number } | undefined
  truncateBytes: number
  frozen: boolean
}

const sound = { cutAfter: undefined, silent: undefined, delayed: undefined, truncateBytes: Number.POSITIVE_INFINITY }

type Link = { destroy(): void; pause(): void; resume(): void }

function linkOf(client: Socket, target: ProxyTarget, faults: Faults, ended: (link: Link) => void): Link {
  const engine = connect(target)
  let [head, answeredBytes, cutting] = ['', 0, false]
  const link: Link = {
    destroy: () => [client, engine].forEach(socket => void socket.destroy()),
    pause: () => [client, engine].forEach(socket => void socket.pause()),
    resume: () => [client, engine].forEach(socket => void socket.resume()),
  }
  client.on('data', data => {
    head = data.toString('latin1')
    cutting ||= faults.cutAfter !== undefined && head.includes(faults.cutAfter)
    const { text, delayMs } = faults.delayed ?? { text: '', delayMs: 0 }
    if (delayMs > 0 && head.includes(text)) setTimeout(() => engine.write(data), delayMs)
    else engine.write(data)
  })
  engine.on('data', data => {
    answeredBytes += data.length
    if (cutting || answeredBytes > faults.truncateBytes) link.destroy()
    else if (faults.silent === undefined || !head.includes(faults.silent)) client.write(data)
  })
  for (const socket of [client, engine]) {
    socket.on('error', () => link.destroy())
    socket.on('close', () => {
      link.destroy()
      ended(link)
    })
  }
  if (faults.frozen) link.pause()
  return link
}

const connect = (target: ProxyTarget): Socket =>
  typeof target === 'string' ? createConnection(target) : createConnection(target)
