// needs: openssl

import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../controller/runtime/clock.ts'
import { startVaultStandin, type VaultStandin } from '../controller/secrets/vault/standin.ts'
import { openVaults } from '../controller/secrets/vault.ts'
import { credentialsSpec, type VaultSource } from '../crds/credentials.ts'
import { type Authority, startAuthority } from './services/certificates.ts'
import { temporaryDirectory } from './services/directory.ts'

const values = { BROKER_ID: '9999', USER_ID: 'u', PASSWORD: 'p' }

let ours: Authority
let others: Authority
beforeAll(async () => {
  ;[ours, others] = await Promise.all([startAuthority(), startAuthority()])
})
afterAll(() => Promise.all([ours.remove(), others.remove()]))

describe('a Vault', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let vault: VaultStandin | undefined
  let stop: AbortController
  beforeEach(async () => {
    directory = await temporaryDirectory('vault')
    stop = new AbortController()
  })
  afterEach(async () => {
    stop.abort()
    await vault?.stop()
    await directory.remove()
  })

  /** Reads a secret of a Vault with this certificate, trusting `ca`, or the system's authorities alone. */
  async function read(certificate: { cert: string; key: string }, ca: string | undefined) {
    const [cert, key] = await Promise.all([readFile(certificate.cert, 'utf8'), readFile(certificate.key, 'utf8')])
    vault = await startVaultStandin({ tls: { cert, key } })
    vault.put('kv/feeds/primary', values)
    await writeFile(join(directory.path, 'token'), vault.issue({ ttlS: 0 }))
    if (ca !== undefined) await copyFile(ca, join(directory.path, 'ca.pem'))
    const auth = { token: { file: 'token' } }
    const spec = credentialsSpec.parse({
      vault: { address: vault.address, mount: 'kv', path: 'feeds/primary', auth, ...(ca !== undefined && { caFile: 'ca.pem' }) },
    })
    const resource = { kind: 'Credentials', metadata: { name: 'a', namespace: 'test' }, spec } as const
    const surroundings = { directory: directory.path, clock: systemClock, random: Math.random, signal: stop.signal }
    const vaults = openVaults({ ...surroundings, onChange: () => undefined, onFailed: () => undefined })
    return vaults.read({ resource, generation: 1, origin: { file: 'a.yaml', line: 1 } }, spec.vault as VaultSource)
  }

  it('whose certificate is of the authority that is named is read', async () => {
    const certificate = await ours.issue('vault')
    expect(await read(certificate, certificate.ca)).toMatchObject({ values })
  })

  it.each([
    ['has expired', () => ours.issue('expired', 0), () => ours, /has expired: renew it there/],
    ['is of another authority', () => ours.issue('vault'), () => others, /not signed by/],
    ['is of an authority that nobody has named', () => ours.issue('vault'), () => undefined, /name that in vault.caFile/],
  ])('whose certificate %s is told as VaultCertificate', async (_what, issue, trusted, text) => {
    const certificate = await issue()
    const authority = await trusted()?.issue('authority')
    await expect(read(certificate, authority?.ca)).rejects.toMatchObject({
      ...{ class: 'waiting', reason: 'VaultCertificate' },
      message: expect.stringMatching(text),
    })
  })
})
