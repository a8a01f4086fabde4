import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'

/**
 * A stand-in for Vault, for tests: where no Vault can be had, the part of its HTTP API that is used here. What it does is what Vault's own
 * documentation says (https://developer.hashicorp.com/vault/api-docs), or, where that is silent, Vault's source:
 *
 * - A sealed Vault answers every call with 503; errors are `{"errors": [...]}` (HTTP API, "HTTP status codes" and "Error response"). Its text
 *   is `Vault is sealed` (`sdk/helper/consts/error.go`).
 * - A token goes in `X-Vault-Token`; a missing, unknown or ended one, and one without the right, is answered 403 `permission denied` (HTTP
 *   API; `sdk/logical/error.go`).
 * - AppRole: `POST auth/:mount/login` with `role_id` and `secret_id` gives `auth.client_token`, `lease_duration` in seconds and `renewable`
 *   (AppRole API, "Login"). Wrong ones are answered 400 `invalid role or secret ID` (`builtin/credential/approle/path_login.go`). A secret id
 *   may be good for a number of logins only (`secret_id_num_uses`).
 * - `GET auth/token/lookup-self` gives `data.ttl` and `data.renewable`, `POST auth/token/renew-self` an `auth` as a login does; the lease
 *   never goes beyond the longest life that the token was given (Token API; "Token time-to-live" of the token concepts). A token that
 *   cannot be renewed is answered 400 `lease is not renewable` (`vault/expiration.go`).
 * - KV version 2: `GET :mount/data/:path?version=N` gives `data.data` and `data.metadata.version` (KV v2 API, "Read secret version"). An
 *   unknown path is 404 `{"errors": []}`; a version that was deleted or destroyed is 404 with `data.data: null` and its metadata
 *   (`vault-plugin-secrets-kv/path_data.go`).
 */
export type VaultStandin = {
  address: string
  /** Writes a secret, `mount/path`, and returns its version. */
  put(path: string, data: Record<string, unknown>): number
  /** Marks the newest version as deleted. */
  remove(path: string): void
  /** Only reads of these secrets, `mount/path`, are permitted; all where it was never called. */
  permit(...paths: string[]): void
  seal(isSealed: boolean): void
  /** A token as `vault token create` makes it; 0 is without an end. */
  issue(token: { ttlS: number; maxTtlS?: number; isRenewable?: boolean; mayLookUp?: boolean }): string
  /** A role's ids; what a login gives, and how often. */
  addRole(role: { ttlS: number; maxTtlS?: number; isRenewable?: boolean; uses?: number }): { roleId: string; secretId: string }
  /** All tokens end at once. */
  revokeAll(): void
  /** Every call is answered with this, whatever it is; `undefined` ends that. `hang` answers nothing. */
  answer(answer: { status: number; text: string } | 'hang' | undefined): void
  /** Calls by what they asked: `login`, `lookup-self`, `renew-self`, `read`. */
  counts: Record<string, number>
  /** Headers of the newest call. */
  headers: IncomingMessage['headers']
  stop(): Promise<void>
  /** Listens again on the same port after a `stop`, with a certificate where it had one. */
  start(tls?: StandinTls): Promise<void>
}

export type StandinTls = { cert: string; key: string }

type Token = { endsAt: number; maxEndsAt: number; ttlS: number; isRenewable: boolean; mayLookUp: boolean }
type Role = { secretId: string; ttlS: number; maxTtlS: number; isRenewable: boolean; uses: number }
type Version = { data: Record<string, unknown>; isDeleted: boolean }
type Answer = { status: number; body: object }

const forever = Number.POSITIVE_INFINITY
const denied: Answer = { status: 403, body: { errors: ['1 error occurred:\n\t* permission denied\n\n'] } }

/** `now` in ms: leases end by it. */
export async function startVaultStandin({
  tls,
  now = () => performance.now(),
}: {
  tls?: StandinTls
  now?: () => number
} = {}): Promise<VaultStandin> {
  const tokens = new Map<string, Token>()
  const roles = new Map<string, Role>()
  const secrets = new Map<string, Version[]>()
  const counts: Record<string, number> = { login: 0, 'lookup-self': 0, 'renew-self': 0, read: 0 }
  let permitted: string[] | undefined
  let isSealed = false
  let forced: { status: number; text: string } | 'hang' | undefined
  let headers: IncomingMessage['headers'] = {}
  let listening: ReturnType<typeof createServer> | undefined
  let port = 0

  const issue = ({ ttlS, maxTtlS = forever, isRenewable = true, mayLookUp = true }: Parameters<VaultStandin['issue']>[0]) => {
    const token = `hvs.${randomBytes(16).toString('hex')}`
    const life = { endsAt: ttlS === 0 ? forever : now() + ttlS * 1000, maxEndsAt: now() + maxTtlS * 1000 }
    tokens.set(token, { ...life, ttlS, isRenewable, mayLookUp })
    return token
  }
  const find = (request: IncomingMessage): Token | undefined => {
    const token = tokens.get(String(request.headers['x-vault-token']))
    return token && token.endsAt > now() ? token : undefined
  }
  const authOf = (token: string, { endsAt, isRenewable }: Token): Answer => {
    const leaseS = endsAt === forever ? 0 : Math.floor((endsAt - now()) / 1000)
    return { status: 200, body: { auth: { client_token: token, lease_duration: leaseS, renewable: isRenewable } } }
  }
  const logIn = (body: { role_id?: string; secret_id?: string }): Answer => {
    const role = roles.get(String(body.role_id))
    if (role === undefined || role.secretId !== body.secret_id || role.uses === 0)
      return { status: 400, body: { errors: ['invalid role or secret ID'] } }
    role.uses--
    const token = issue(role)
    return authOf(token, tokens.get(token) as Token)
  }
  const renew = (request: IncomingMessage): Answer => {
    const token = find(request)
    if (!token) return denied
    if (!token.isRenewable) return { status: 400, body: { errors: ['lease is not renewable'] } }
    token.endsAt = Math.min(now() + token.ttlS * 1000, token.maxEndsAt)
    return authOf(String(request.headers['x-vault-token']), token)
  }
  const lookUp = (request: IncomingMessage): Answer => {
    const token = find(request)
    if (!token?.mayLookUp) return denied
    const ttl = token.endsAt === forever ? 0 : Math.floor((token.endsAt - now()) / 1000)
    return { status: 200, body: { data: { ttl, renewable: token.isRenewable } } }
  }
  const read = (request: IncomingMessage, path: string, wanted: string | null): Answer => {
    if (!find(request) || (permitted && !permitted.includes(path))) return denied
    const versions = secrets.get(path) ?? []
    const version = wanted === null ? versions.length : Number(wanted)
    const found = versions[version - 1]
    if (!found) return { status: 404, body: { errors: [] } }
    const metadata = { created_time: '2026-01-05T01:00:00Z', deletion_time: '', destroyed: false, version }
    if (found.isDeleted) return { status: 404, body: { data: { data: null, metadata } } }
    return { status: 200, body: { data: { data: found.data, metadata } } }
  }
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const url = new URL(request.url ?? '', 'http://vault')
    const call = `${request.method} ${url.pathname.replace(/^\/v1\//, '')}`
    if (isSealed) return { status: 503, body: { errors: ['Vault is sealed'] } }
    const secret = /^GET ([^?]+?)\/data\/(.+)$/.exec(call)
    if (secret) {
      counts.read = (counts.read ?? 0) + 1
      return read(request, `${secret[1]}/${secret[2]}`, url.searchParams.get('version'))
    }
    const [, what = ''] = /^(?:POST|GET) auth\/.+\/(login|lookup-self|renew-self)$/.exec(call) ?? []
    counts[what] = (counts[what] ?? 0) + 1
    if (what === 'login') return logIn(JSON.parse(await bodyOf(request)))
    if (what === 'renew-self') return renew(request)
    return what === 'lookup-self' ? lookUp(request) : { status: 404, body: { errors: ['no handler for route'] } }
  }
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    headers = request.headers
    if (forced === 'hang') return
    if (forced) return void response.writeHead(forced.status, { location: 'https://elsewhere' }).end(forced.text)
    const { status, body } = await answer(request)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  const start = async (secure: StandinTls | undefined = tls): Promise<void> => {
    const handle = (request: IncomingMessage, response: ServerResponse) => void serve(request, response)
    const server = secure ? createSecureServer(secure, handle) : createServer(handle)
    await once(server.listen(port, '127.0.0.1'), 'listening')
    port = (server.address() as AddressInfo).port
    listening = server
  }
  await start()
  return {
    address: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    put(path, data) {
      const versions = [...(secrets.get(path) ?? []), { data, isDeleted: false }]
      secrets.set(path, versions)
      return versions.length
    },
    remove(path) {
      const newest = secrets.get(path)?.at(-1)
      if (newest) newest.isDeleted = true
    },
    permit: (...paths) => {
      permitted = paths
    },
    seal: sealed => {
      isSealed = sealed
    },
    issue,
    addRole({ ttlS, maxTtlS = forever, isRenewable = true, uses = forever }) {
      const [roleId, secretId] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')]
      roles.set(roleId, { secretId, ttlS, maxTtlS, isRenewable, uses })
      return { roleId, secretId }
    },
    revokeAll: () => tokens.clear(),
    answer: given => {
      forced = given
    },
    counts,
    get headers() {
      return headers
    },
    start,
    async stop() {
      listening?.closeAllConnections()
      if (listening?.listening) await once(listening.close(), 'close')
    },
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
