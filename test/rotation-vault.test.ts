// needs: nats-server
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startVaultStandin, type VaultStandin } from '../controller/secrets/vault/standin.ts'
import { newPassword, type RotationStage, secretsOf, startRotationStage } from './rotation/stage.ts'
import { tracesOf } from './rotation/traces.ts'
import { until } from './services/deadline.ts'

// The same by a Vault (its stand-in), which is sealed, forbids and goes away. The tests tell one story, in order.

let stage: RotationStage
let vault: VaultStandin

beforeAll(async () => {
  vault = await startVaultStandin()
  stage = await startRotationStage({
    sourceOf: account =>
      `vault: {address: '${vault.address}', mount: kv, path: feeds/${account}, refresh: 1s, auth: {token: {file: vault/token}}}`,
    begin(directory, passwords) {
      for (const account of ['primary', 'backup'] as const)
        vault.put(`kv/feeds/${account}`, secretsOf(account, passwords[account]))
      mkdirSync(join(directory, 'secrets/vault'), { recursive: true })
      writeFileSync(join(directory, 'secrets/vault/token'), vault.issue({ ttlS: 0 }), { mode: 0o600 })
    },
  })
}, 120_000)

afterAll(async () => {
  await stage?.stop()
  await vault?.stop()
}, 60_000)

const reasonOf = async () => (await stage.condition('CredentialsReady'))?.reason

describe('a password that is rotated in a Vault', () => {
  it('is taken over by a handover: no tick lost, none twice, and the old one is nowhere on the host', async () => {
    const were = stage.complaints()
    const before = stage.passwords.primary
    stage.changeAtBroker('primary', newPassword())
    vault.put('kv/feeds/primary', secretsOf('primary', stage.passwords.primary))
    await stage.serves(2)
    await stage.moreTicks(4)
    expect(stage.complaints()).toEqual(were)
    expect(stage.complaints()).toMatchObject({ missing: 0, duplicates: 0, gaps: 0 })
    expect(tracesOf(before, [stage.directory])).toEqual([])
    expect(tracesOf(stage.passwords.primary, [stage.directory])).toEqual([
      expect.stringMatching(/\/state\/.*\/secrets\/primary\/PASSWORD$/),
    ])
    expect(await reasonOf()).toBe('SecretsRead')
  })
})

describe('a Vault that does not answer with the secret', () => {
  const troubles = [
    { what: 'is sealed', reason: 'VaultSealed', begin: () => vault.seal(true), end: () => vault.seal(false) },
    {
      what: 'forbids it',
      reason: 'VaultForbidden',
      begin: () => vault.permit('kv/feeds/nothing'),
      end: () => vault.permit('kv/feeds/primary', 'kv/feeds/backup'),
    },
    { what: 'cannot be reached', reason: 'VaultUnreachable', begin: () => vault.stop(), end: () => vault.start() },
  ]

  it.each(troubles)('because it $what is told as $reason, and what was read last stays in use', async trouble => {
    const were = stage.complaints()
    const running = stage.workloads()[0]?.process?.pid
    await trouble.begin()
    await until(trouble.reason, async () => (await reasonOf()) === trouble.reason)
    expect(await stage.condition('Ready')).toMatchObject({ status: 'True' })
    expect((await stage.condition('CredentialsReady'))?.message).toContain('what was read last stays in use')
    await stage.moreTicks(2)
    await trouble.end()
    await until('the Vault to be read again', async () => (await reasonOf()) === 'SecretsRead')
    expect(stage.workloads().map(workload => workload.process?.pid)).toEqual([running])
    expect(stage.complaints()).toEqual(were)
  })
})
