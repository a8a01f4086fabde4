import { connect } from 'node:net'

/** A front or a bus on the same network answers within milliseconds. */
const dialMs = 2000

/** Whether anybody takes a TCP connection there: `undefined`, or why not. `address` is a URL with host and port. */
export type Dial = (address: string, signal: AbortSignal) => Promise<string | undefined>

/** Opens a TCP connection and closes it again. Nothing is sent. */
export const dial: Dial = (address, signal) => {
  const { hostname, port } = new URL(address)
  return new Promise(resolve => {
    const ends = AbortSignal.any([signal, AbortSignal.timeout(dialMs)])
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port), signal: ends })
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
