import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { transient } from '../../../crds/contract/fault.ts'
import { unreachable } from './fault.ts'

/** Connection, answer and all: a Vault answers within milliseconds, one behind a proxy within a second. */
export const callTimeoutMs = 5000

/** Vault takes secrets of 1 MiB at the most by default; an account's have some hundred bytes. */
const maxAnswerBytes = 256 * 1024

/** A Vault as it is reached. `ca` is PEM; without it the system's authorities are trusted. */
export type VaultEndpoint = { address: string; ca: string | undefined; namespace: string | undefined }

export type VaultCall = {
  method: 'GET' | 'POST'
  /** Below `/v1/`, made of parts that need no escaping. */
  path: string
  token?: string
  body?: object
}

export type VaultAnswer = { status: number; body: unknown }

/**
 * One call of Vault's HTTP API. Answers whatever status comes, with the body where it is JSON; throws a transient Fault
 * `VaultUnreachable`, or a waiting one, `VaultCertificate`, where nothing came. No error holds anything of an answer: an answer may be a secret.
 *
 * node:http(s) and not `fetch`, because that takes a private CA by a package only.
 */
export async function callVault(
  { address, ca, namespace }: VaultEndpoint,
  { method, path, token, body }: VaultCall,
  signal: AbortSignal,
): Promise<VaultAnswer> {
  const text = body && JSON.stringify(body)
  const headers = {
    // Some proxies of Vault take no request without it, as a browser could not add it to another site's.
    'x-vault-request': 'true',
    ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
    ...(token !== undefined && { 'x-vault-token': token }),
    ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
  }
  const timeout = AbortSignal.timeout(callTimeoutMs)
  const options = { method, headers, agent: false, signal: AbortSignal.any([signal, timeout]) } as const
  try {
    const response = await send(`${address}/v1/${path}`, { ...options, ...(ca !== undefined && { ca }) }, text)
    return { status: response.statusCode ?? 0, body: parsed(await read(response, address)) }
  } catch (error) {
    throw unreachable(error, address, timeout.aborted)
  }
}

function send(url: string, options: object, text: string | undefined): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const request = url.startsWith('https:') ? requestHttps : requestHttp
  request(url, options, resolve).once('error', reject).end(text)
  return promise
}

async function read(response: IncomingMessage, address: string): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxAnswerBytes)
      throw transient('VaultAnswerInvalid', `${address} answers with more than ${maxAnswerBytes} bytes: is it a Vault?`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

// What JSON.parse says of a text that is none quotes it.
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
