import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Fault } from '../../../crds/contract/fault.ts'
import { credentialsSpec, type VaultSource } from '../../../crds/credentials.ts'
import { handClock } from '../../simulation/clock.ts'
import type { Declared } from '../../store/declared.ts'
import type { SecretReading } from '../secret.ts'
import { openVaults, type Vaults } from '../vault.ts'
import { startVaultStandin, type VaultStandin } from './standin.ts'

const account = { BROKER_ID: '9999', USER_ID: 'u', PASSWORD: 'canary-password-1' }
const path = 'kv/feeds/primary'
const noToken = 'canary-token'

let directory: string
let vault: VaultStandin
let vaults: Vaults
let clock: ReturnType<typeof handClock>
let stop: AbortController
let changes: string[]
let failures: string[]

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'feedplane-vault-'))
  clock = handClock(1_700_000_000_000)
  vault = await startVaultStandin({ now: clock.now })
  stop = new AbortController()
  ;[changes, failures] = [[], []]
  vaults = openVaults({
    ...{ directory, clock, random: () => 0.5, signal: stop.signal },
    onChange: key => void changes.push(key),
    onFailed: (_key, reason) => void failures.push(reason),
  })
})
afterEach(async () => {
  stop.abort()
  await vault.stop()
  rmSync(directory, { recursive: true })
})

function write(file: string, text: string): void {
  writeFileSync(join(directory, file), text)
}

function sourceOf(more: Partial<VaultSource> = {}): VaultSource {
  const auth = { token: { file: 'token' } }
  const { vault: source } = credentialsSpec.parse({
    vault: { address: vault.address, mount: 'kv', path: 'feeds/primary', auth, refresh: '30s', ...more },
  })
  return source as VaultSource
}

const byRole: Partial<VaultSource> = { auth: { appRole: { roleIdFile: 'role', secretIdFile: 'secret', mount: 'approle' } } }

function addRole(role: Parameters<VaultStandin['addRole']>[0]): void {
  const { roleId, secretId } = vault.addRole(role)
  write('role', `${roleId}\n`)
  write('secret', secretId)
}

function read(more: Partial<VaultSource> = {}, name = 'primary'): Promise<SecretReading> {
  const source = sourceOf(more)
  const declared: Declared<'Credentials'> = {
    resource: { kind: 'Credentials', metadata: { name, namespace: 'test' }, spec: { account: 'ctp', logins: 1, vault: source } },
    generation: 1,
    origin: { file: 'a.yaml', line: 1 },
  }
  return vaults.read(declared, source)
}

const faultOf = (reading: Promise<unknown>): Promise<Fault> =>
  reading.then(
    () => Promise.reject(new Error('it was read')),
    error => error,
  )

/** Lets time pass, and the calls that are due then end. */
async function pass(ms: number): Promise<void> {
  clock.goTo(clock.now() + ms)
  await settled()
}

/** Until no call is under way: between two calls of one read there are only some turns without a connection. */
async function settled(): Promise<void> {
  for (let quiet = 0; quiet < 5; ) {
    await sleep(1)
    quiet = process.getActiveResourcesInfo().includes('TCPSocketWrap') ? 0 : quiet + 1
  }
}

describe('a secret in Vault', () => {
  beforeEach(() => {
    write('token', vault.issue({ ttlS: 0 }))
    vault.put(path, { ...account, SHOE_SIZE: 43 })
  })

  it('is read by its keys, with its version', async () => {
    expect(await read()).toEqual({ values: account, version: 1 })
    expect(vault.headers).toMatchObject({ 'x-vault-request': 'true' })
  })

  it('is asked for again after `refresh`, and a newer version is told', async () => {
    await read()
    vault.put(path, { ...account, PASSWORD: 'canary-password-2' })
    await pass(20_000)
    expect((await read()).version).toBe(1)
    changes = []
    await pass(20_000)
    expect(await read()).toMatchObject({ version: 2, values: { PASSWORD: 'canary-password-2' } })
    expect(changes).toEqual(['test/primary'])
    expect(failures).toEqual([])
  })

  it('stays at the version that is asked for', async () => {
    vault.put(path, { ...account, PASSWORD: 'canary-password-2' })
    expect(await read({ version: 1 })).toMatchObject({ version: 1, values: account })
    await pass(40_000)
    expect(await read({ version: 1 })).toMatchObject({ version: 1 })
  })

  it('is asked for in its namespace', async () => {
    await read({ namespace: 'desk/futures' })
    expect(vault.headers['x-vault-namespace']).toBe('desk/futures')
  })

  it('is read aside without touching what is in use', async () => {
    await read()
    vault.put('kv/other', { ...account, USER_ID: 'other' })
    const source = sourceOf({ path: 'other' })
    const declared = {
      resource: {
        kind: 'Credentials',
        metadata: { name: 'primary', namespace: 'test' },
        spec: { account: 'ctp', logins: 1, vault: source },
      },
      ...{ generation: 2, origin: { file: 'a.yaml', line: 1 } },
    } as const
    expect(await vaults.readAside(declared, source)).toMatchObject({ values: { USER_ID: 'other' } })
    vault.seal(true)
    expect(await read()).toMatchObject({ values: account })
  })

  const wrong: [string, Record<string, unknown>, string, RegExp][] = [
    [
      'that lacks keys',
      { BROKER_ID: '9999' },
      'SecretPartial',
      /USER_ID, PASSWORD are missing: write USER_ID, PASSWORD to kv\/data\/feeds\/primary/,
    ],
    ['with nothing of the account', { SHOE_SIZE: '43' }, 'SecretMissing', /are missing/],
    ['that is no text', { ...account, PASSWORD: { canary: 'canary-password' } }, 'SecretRefused', /PASSWORD is no text/],
    ['that is too long', { ...account, PASSWORD: 'canary'.repeat(20_000) }, 'SecretRefused', /PASSWORD is longer/],
  ]
  it.each(wrong)('%s is refused, and the one before stays in use', async (_name, data, reason, text) => {
    await read()
    vault.put(path, data)
    await pass(40_000)
    const { values, version, trouble } = await read()
    expect({ values, version }).toEqual({ values: account, version: 1 })
    expect(trouble).toMatchObject({ reason, message: expect.stringMatching(text) })
    expect(failures).toContain(reason)
  })
})

describe('trouble with a Vault', () => {
  beforeEach(() => {
    write('token', vault.issue({ ttlS: 0 }))
    vault.put(path, account)
  })

  const troubles: [string, () => unknown, reason: string, faultClass: string][] = [
    ['is sealed', () => vault.seal(true), 'VaultSealed', 'waiting'],
    ['is not initialised', () => vault.answer({ status: 501, text: '{"errors":[]}' }), 'VaultSealed', 'waiting'],
    ['forbids', () => vault.permit('kv/other'), 'VaultForbidden', 'waiting'],
    ['has no such secret', () => vault.remove(path), 'VaultNotFound', 'waiting'],
    ['is gone', () => vault.stop(), 'VaultUnreachable', 'transient'],
    [
      'is down for maintenance',
      () => vault.answer({ status: 503, text: '{"errors":["maintenance"]}' }),
      'VaultUnreachable',
      'transient',
    ],
    ['limits the rate', () => vault.answer({ status: 429, text: '{"errors":["canary"]}' }), 'VaultUnreachable', 'transient'],
    ['sends us elsewhere', () => vault.answer({ status: 307, text: '' }), 'VaultUnreachable', 'transient'],
    ['is a web page', () => vault.answer({ status: 200, text: '<html>canary-password' }), 'VaultAnswerInvalid', 'transient'],
    [
      'answers without end',
      () => vault.answer({ status: 200, text: 'canary'.repeat(60_000) }),
      'VaultAnswerInvalid',
      'transient',
    ],
  ]
  it.each(troubles)(
    'that %s keeps the last good value in use, and ends when it does',
    async (_name, cause, reason, faultClass) => {
      await read()
      await cause()
      await pass(40_000)
      expect(await read()).toMatchObject({ values: account, version: 1, trouble: { reason, class: faultClass } })
      expect(changes).toContain('test/primary')
      vault.seal(false)
      vault.answer(undefined)
      vault.permit(path)
      vault.put(path, account)
      await vault.start().catch(() => undefined)
      await pass(60_000)
      expect((await read()).trouble).toBeUndefined()
    },
  )

  it.each(troubles)(
    'that %s from the beginning is a fault, without anything of what was sent or answered',
    async (_name, cause, reason) => {
      await cause()
      const fault = await faultOf(read())
      expect(fault).toMatchObject({ reason })
      expect(`${fault.message} ${fault.cause} ${JSON.stringify(fault.cause)}`).not.toMatch(/canary/)
    },
  )

  it('is tried again with growing pauses, half a minute at the most', async () => {
    vault.seal(true)
    await faultOf(read())
    for (let i = 0; i < 8; i++) await pass(30_000)
    const before = failures.length
    for (let i = 0; i < 60; i++) await pass(1000)
    expect(failures.length - before).toBeLessThanOrEqual(4)
    expect(failures.length - before).toBeGreaterThanOrEqual(2)
  }, 30_000)

  it('is tried again at once on a hint that a file has changed', async () => {
    write('token', noToken)
    const fault = await faultOf(read())
    expect(fault.reason).toBe('VaultForbidden')
    write('token', vault.issue({ ttlS: 0 }))
    vaults.hint()
    await pass(0)
    expect(await read()).toMatchObject({ values: account })
  })

  it('with a missing, or malformed, file of the login names the file', async () => {
    rmSync(join(directory, 'token'))
    const fault = await faultOf(read())
    expect(fault).toMatchObject({ reason: 'SecretMissing', message: expect.stringContaining(join(directory, 'token')) })
    write('token', 'canary\ntoken')
    const other = await faultOf(read({}, 'other'))
    expect(other).toMatchObject({ reason: 'SecretRefused' })
    expect(other.message).not.toMatch(/canary/)
  })

  it.each([
    ['speaks no TLS', () => ({ address: vault.address.replace('http:', 'https:') }), /does not speak TLS/],
    ['has an authority that is no certificate', noAuthority, /holds no certificate in PEM form/],
  ])('that %s is VaultCertificate, without anything of what was sent', async (_name, more, text) => {
    const fault = await faultOf(read(more()))
    expect(fault).toMatchObject({ class: 'waiting', reason: 'VaultCertificate', message: expect.stringMatching(text) })
    expect(vault.counts.read).toBe(0)
  })

  function noAuthority(): Partial<VaultSource> {
    write('ca.pem', 'no certificate')
    return { address: vault.address.replace('http:', 'https:'), caFile: 'ca.pem' }
  }

  it('is forgotten with its Credentials', async () => {
    await read()
    vaults.forget('test/primary')
    const { read: reads } = vault.counts
    await pass(120_000)
    expect(vault.counts.read).toBe(reads)
  })
})

describe('a token of somebody else', () => {
  beforeEach(() => void vault.put(path, account))

  it('is renewed before it ends, for as long as it can be, and its end is told when it is in sight', async () => {
    const issuedAt = clock.now()
    write('token', vault.issue({ ttlS: 60, maxTtlS: 200 }))
    expect((await read()).expiresAt).toBeUndefined()
    for (let i = 0; i < 13; i++) await pass(10_000)
    expect((await read()).expiresAt).toBeUndefined()
    for (let i = 0; i < 5; i++) await pass(10_000)
    expect((await read()).expiresAt).toBe(issuedAt + 200_000)
    expect(vault.counts['renew-self']).toBeGreaterThanOrEqual(3)
    expect((await read()).trouble).toBeUndefined()
    await pass(60_000)
    expect(await read()).toMatchObject({ values: account, trouble: { reason: 'VaultForbidden' } })
  })

  it('that is replaced in its file is used at once', async () => {
    write('token', vault.issue({ ttlS: 60, isRenewable: false }))
    expect((await read()).expiresAt).toBe(clock.now() + 60_000)
    write('token', vault.issue({ ttlS: 0 }))
    await pass(90_000)
    expect(await read()).toEqual({ values: account, version: 1 })
    expect(failures).toEqual([])
  })

  it('that may not look itself up is used all the same', async () => {
    write('token', vault.issue({ ttlS: 60, mayLookUp: false }))
    expect(await read()).toEqual({ values: account, version: 1 })
  })

  it('is kept by the monotonic clock: a renewal that is not answered is tried again before the end', async () => {
    write('token', vault.issue({ ttlS: 90 }))
    await read({ refresh: '10m' })
    vault.answer({ status: 500, text: '{}' })
    await pass(61_000)
    vault.answer(undefined)
    await pass(20_000)
    expect(vault.counts['renew-self']).toBe(1)
    await pass(60_000)
    expect((await read({ refresh: '10m' })).trouble).toBeUndefined()
  })
})

describe('an AppRole', () => {
  beforeEach(() => void vault.put(path, account))

  it('logs in once for all Credentials of one address and role', async () => {
    addRole({ ttlS: 3600 })
    vault.put('kv/feeds/backup', account)
    await Promise.all([read(byRole), read({ ...byRole, path: 'feeds/backup' }, 'backup')])
    expect(vault.counts).toMatchObject({ login: 1, read: 2 })
  })

  it('ends with the Credentials that it was begun for, also while Vault is answering it', async () => {
    addRole({ ttlS: 60 })
    const reading = read(byRole).catch(() => undefined)
    vaults.forget('test/primary')
    await reading
    await settled()
    for (let i = 0; i < 5; i++) await pass(60_000)
    expect(vault.counts).toMatchObject({ login: 1, 'renew-self': 0, read: 0 })
  })

  it('renews its token, and logs in again where that is near its longest life', async () => {
    addRole({ ttlS: 60, maxTtlS: 100 })
    await read(byRole)
    for (let i = 0; i < 30; i++) await pass(10_000)
    expect(vault.counts['renew-self']).toBeGreaterThanOrEqual(2)
    expect(vault.counts.login).toBeGreaterThanOrEqual(2)
    expect(failures).toEqual([])
  }, 30_000)

  it('logs in again where its token cannot be renewed', async () => {
    addRole({ ttlS: 60, isRenewable: false })
    expect((await read(byRole)).expiresAt).toBeUndefined()
    for (let i = 0; i < 12; i++) await pass(10_000)
    expect(vault.counts).toMatchObject({ 'renew-self': 0, login: 4 })
    expect(failures).toEqual([])
  })

  it('logs in again where its token was revoked', async () => {
    addRole({ ttlS: 3600 })
    await read(byRole)
    vault.revokeAll()
    await pass(40_000)
    expect((await read(byRole)).trouble).toBeUndefined()
    expect(vault.counts.login).toBe(2)
  })

  it('does not log in again and again where its policy lacks the right', async () => {
    addRole({ ttlS: 36_000 })
    vault.permit('kv/other')
    expect(await faultOf(read(byRole))).toMatchObject({ reason: 'VaultForbidden' })
    for (let i = 0; i < 10; i++) await pass(40_000)
    expect(vault.counts.login).toBe(2)
  })

  it('that is refused tries seldom, and at once with another secret id', async () => {
    addRole({ ttlS: 3600, uses: 0 })
    const fault = await faultOf(read(byRole))
    expect(fault).toMatchObject({ reason: 'VaultLoginRefused', class: 'waiting' })
    for (let i = 0; i < 30; i++) await pass(10_000)
    expect(vault.counts.login).toBeLessThanOrEqual(6)
    addRole({ ttlS: 3600 })
    vaults.hint()
    await pass(0)
    expect(await read(byRole)).toMatchObject({ values: account })
  }, 30_000)

  it('shares a failure too: who comes later does not wait for the same Vault again', async () => {
    addRole({ ttlS: 3600 })
    vault.seal(true)
    await faultOf(read(byRole))
    const { login } = vault.counts
    expect(await faultOf(read({ ...byRole, path: 'feeds/backup' }, 'backup'))).toMatchObject({ reason: 'VaultSealed' })
    expect(vault.counts.login).toBe(login)
  })
})
