import { connect } from 'node:net'

/** A front or a bus on the same network answers within milliseconds. */
const dialMs = 2000

/** Ports of addresses that may leave theirs out: those of a bus. */
const defaultPorts: Record<string, number> = { 'nats:': 4222, 'tls:': 4222 }

/** Whether anybody takes a TCP connection there: `undefined`, or why not. `address` is a URL with host and port. */
export type Dial = (address: string, signal: AbortSignal) => Promise<string | undefined>

/** Opens a TCP connection and closes it again. Nothing is sent. */
export const dial: Dial = (address, signal) => {
  const target = targetOf(address)
  if (!target) return Promise.resolve('not an address like tcp://HOST:PORT')
  return new Promise(resolve => {
    const ends = AbortSignal.any([signal, AbortSignal.timeout(dialMs)])
    const socket = connect({ ...target, signal: ends })
    const end = (why: string | undefined) => {
      socket.destroy()
      resolve(why)
    }
    socket.once('connect', () => end(undefined))
    socket.once('error', (error: NodeJS.ErrnoException) =>
      end(ends.aborted ? `no answer in ${dialMs} ms` : (error.code ?? error.message)),
    )
  })
}

/** An account's MD_ADDRESS may be any text. */
function targetOf(address: string): { host: string; port: number } | undefined {
  if (!URL.canParse(address)) return undefined
  const { protocol, hostname, port } = new URL(address)
  const number = port === '' ? defaultPorts[protocol] : Number(port)
  return hostname === '' || number === undefined ? undefined : { host: hostname.replace(/^\[|\]$/g, ''), port: number }
}
