import { once } from 'node:events'
import { connect } from 'node:net'

const defaultPort = 4222

/**
 * The first of the servers that sends its greeting; rejects with the first server's error where none does in time. A client that connects to a
 * frozen server times out and leaves its socket open, one for each try (nats.js 3.4): asking first keeps it from trying.
 */
export async function greetingServer(servers: string[], timeoutMs: number, signal: AbortSignal): Promise<string> {
  const answered = new AbortController()
  const end = AbortSignal.any([signal, answered.signal, AbortSignal.timeout(timeoutMs)])
  try {
    return await Promise.any(servers.map(server => greeted(server, end)))
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error
  } finally {
    answered.abort()
  }
}

async function greeted(server: string, signal: AbortSignal): Promise<string> {
  const { hostname, port, host } = new URL(server)
  const socket = connect(Number(port || defaultPort), hostname.replace(/^\[|\]$/g, ''))
  try {
    await once(socket, 'data', { signal })
    return server
  } catch (error) {
    throw new Error(`${host}: ${reasonOf(error)}`, { cause: error })
  } finally {
    socket.on('error', () => {}).destroy()
  }
}

// Node tells a refusal on all addresses of a name as an AggregateError with a code and no message.
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'AbortError') return 'no answer'
  const code = 'code' in error ? error.code : undefined
  return code === 'ECONNREFUSED' ? 'connection refused' : error.message || String(code)
}
