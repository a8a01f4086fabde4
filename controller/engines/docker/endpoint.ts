import { readFileSync } from 'node:fs'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { inspect } from 'node:util'
import type Docker from 'dockerode'
import { stalled } from '../../../crds/contract/fault.ts'

/** Files of mutual TLS, PEM. */
export type TlsFiles = { ca: string; cert: string; key: string }

export const defaultEndpoint = 'unix:///var/run/docker.sock'

/** Connections that calls share; more calls wait for one. Streams and slow calls have connections of their own. */
const maxCallConnections = 16

/** A connection to one engine: dockerode's modem and what it keeps open. */
export type Connection = { modem: Docker['modem']; close(): void }

/** For calls that end soon: few connections, kept. */
export const openCalls = (endpoint: string, tls: TlsFiles | undefined): Promise<Connection> =>
  connect(endpoint, tls, { keepAlive: true, maxSockets: maxCallConnections })

/** For pulls, events and whatever waits in the engine: a connection each, so that none waits for another. */
export const openStreams = (endpoint: string, tls: TlsFiles | undefined): Promise<Connection> =>
  connect(endpoint, tls, { keepAlive: false })

/** Path of the engine's socket on this machine, where the endpoint is one. */
export function socketOf(endpoint: string): string | undefined {
  return endpoint.startsWith('unix://') ? endpoint.slice('unix://'.length) : undefined
}

type Pool = { keepAlive: boolean; maxSockets?: number }

// Imported here: dockerode takes 0.2 s and 30 MB, which a controller without Docker hosts need not spend.
async function connect(endpoint: string, tls: TlsFiles | undefined, pool: Pool): Promise<Connection> {
  const { default: Dockerode } = await import('dockerode')
  const secure = tls === undefined ? {} : readTls(tls)
  const agent = silent(tls === undefined ? new HttpAgent(pool) : new HttpsAgent({ ...pool, ...secure }))
  const modem = modemOf(Dockerode, { ...addressOf(endpoint), ...secure, protocol: tls === undefined ? 'http' : 'https', agent })
  return { modem, close: () => agent.destroy() }
}

// docker-modem 5 writes the options of each request into a debug line, whether or not anybody reads it. The agent with all its sockets
// was three quarters of the time that a call took.
const silent = <A extends HttpAgent>(agent: A): A => Object.assign(agent, { [inspect.custom]: () => 'agent' })

// Every option is given, also the empty ones: what is left out, docker-modem takes from DOCKER_HOST and its like.
function modemOf(Dockerode: typeof Docker, options: object): Docker['modem'] {
  const nothing = { host: '', port: undefined, socketPath: undefined, ca: undefined, cert: undefined, key: undefined }
  const rest = { version: undefined, timeout: undefined, connectionTimeout: undefined, pathPrefix: '/', headers: {} }
  try {
    return new Dockerode({ ...nothing, ...rest, ...options } as Docker.DockerOptions).modem
  } catch (error) {
    throw stalled('InvalidEndpoint', 'the DOCKER_* environment of the controller is malformed: unset it, it is not used', error)
  }
}

function addressOf(endpoint: string): object {
  const socketPath = socketOf(endpoint)
  if (socketPath !== undefined) return { socketPath }
  const address = /^tcp:\/\/([^\s/:]+):(\d{1,5})$/.exec(endpoint)
  if (address === null) throw stalled('InvalidEndpoint', `"${endpoint}" is no endpoint: write unix:///PATH or tcp://HOST:PORT`)
  return { host: address[1], port: Number(address[2]) }
}

function readTls(files: TlsFiles): { ca: Buffer; cert: Buffer; key: Buffer } {
  const read = (path: string): Buffer => {
    try {
      return readFileSync(path)
    } catch (error) {
      throw stalled('InvalidEndpoint', `cannot read the TLS file ${path}`, error)
    }
  }
  return { ca: read(files.ca), cert: read(files.cert), key: read(files.key) }
}
