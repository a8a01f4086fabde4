import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { stalled } from '../../crds/contract/fault.ts'
import { Problem } from './problem.ts'

/** Shorter tokens can be guessed. */
const minTokenLength = 16

/** Reads the control API's token. Throws a stalled Fault `TokenInvalid`. */
export function readToken(path: string): string {
  let token: string
  try {
    token = readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw stalled('TokenInvalid', `${path} cannot be read: the control API needs a token`, error)
  }
  if (token.length < minTokenLength) throw stalled('TokenInvalid', `${path} holds a token of under ${minTokenLength} characters`)
  return token
}

/** Throws a Problem 401 where the request does not bear the token. Hashes are compared, so that time tells nothing. */
export function authorize(request: IncomingMessage, token: string): void {
  const [scheme, given = ''] = (request.headers.authorization ?? '').split(' ', 2)
  const isRight = timingSafeEqual(hash(given), hash(token))
  if (scheme?.toLowerCase() !== 'bearer' || !isRight)
    throw new Problem(401, 'Unauthorized', "send the feed's token as 'Authorization: Bearer TOKEN'")
}

const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
