import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { temporaryDirectory } from './services/directory.ts'

/** A Unix socket that passes everything on to another one, until it is told not to. */
export type SocketProxy = {
  readonly path: string
  /** Breaks every connection. */
  cut(): void
  /** From now on a request whose head contains the text reaches the engine, and its answer breaks the connection. */
  cutAfter(text: string): void
  /** Ends `cutAfter`. */
  heal(): void
  /** Nothing passes in either direction; connections stay open. */
  freeze(): void
  /** Lets what was held pass. */
  thaw(): void
  /** New connections pass again; those from before stay silent for ever, and what they held is lost. */
  forget(): void
  stop(): Promise<void>
}

export async function startSocketProxy(target: string): Promise<SocketProxy> {
  const dir = await temporaryDirectory('proxy')
  const path = join(dir.path, 'docker.sock')
  const links = new Set<Link>()
  const faults: Faults = { cutAfter: undefined, frozen: false }
  const server = createServer(client => links.add(linkOf(client, target, faults, link => links.delete(link))))
  await once(server.listen(path), 'listening')
  const each = (act: (link: Link) => void) => [...links].forEach(act)
  return {
    path,
    cut: () => each(link => link.destroy()),
    cutAfter: text => void Object.assign(faults, { cutAfter: text }),
    heal: () => void Object.assign(faults, { cutAfter: undefined }),
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

type Faults = { cutAfter: string | undefined; frozen: boolean }

type Link = { destroy(): void; pause(): void; resume(): void }

function linkOf(client: Socket, target: string, faults: Faults, ended: (link: Link) => void): Link {
  const engine = createConnection(target)
  let cutting = false
  const link: Link = {
    destroy: () => [client, engine].forEach(socket => void socket.destroy()),
    pause: () => [client, engine].forEach(socket => void socket.pause()),
    resume: () => [client, engine].forEach(socket => void socket.resume()),
  }
  client.on('data', data => {
    cutting ||= faults.cutAfter !== undefined && data.toString('latin1').includes(faults.cutAfter)
    engine.write(data)
  })
  engine.on('data', data => (cutting ? link.destroy() : void client.write(data)))
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
