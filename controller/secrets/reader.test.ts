import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CredentialsSpec } from '../../crds/credentials.ts'
import type { Declared } from '../store/declared.ts'
import { secretReader } from './reader.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'feedplane-secrets-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function declared(spec: CredentialsSpec): Declared<'Credentials'> {
  return {
    resource: { kind: 'Credentials', metadata: { name: 'ctp-primary', namespace: 'test' }, spec },
    generation: 1,
    origin: { file: 'a.yaml', line: 1 },
  }
}

function write(folder: string, values: Record<string, string>): void {
  mkdirSync(join(directory, folder), { recursive: true })
  for (const [key, value] of Object.entries(values)) writeFileSync(join(directory, folder, key), value)
}

const read = async (spec: CredentialsSpec, environment: NodeJS.ProcessEnv = {}) =>
  (await secretReader({ environment, directory }).read(declared(spec))).values

describe('secrets', () => {
  it('come from the environment by prefix, and only the keys that an account has', async () => {
    const environment = {
      CTP_PRIMARY_BROKER_ID: '9999',
      CTP_PRIMARY_USER_ID: 'u',
      CTP_PRIMARY_PASSWORD: 'p',
      CTP_PRIMARY_SHOE_SIZE: '43',
      CTP_BACKUP_PASSWORD: 'q',
    }
    expect(await read({ account: 'ctp', logins: 1, env: { prefix: 'CTP_PRIMARY_' } }, environment)).toEqual({
      BROKER_ID: '9999',
      USER_ID: 'u',
      PASSWORD: 'p',
    })
  })

  it('come from files, without the newline that an editor adds', async () => {
    write('primary', { BROKER_ID: '9999\n', USER_ID: 'u', PASSWORD: ' p \n' })
    expect(await read({ account: 'ctp', logins: 1, file: { path: 'primary' } })).toEqual({
      BROKER_ID: '9999',
      USER_ID: 'u',
      PASSWORD: ' p ',
    })
  })

  it('say which keys a partial account lacks and where they belong, and no value', async () => {
    const environment = { CTP_BACKUP_USER_ID: 'canary-user' }
    const failure = read({ account: 'ctp', logins: 1, env: { prefix: 'CTP_BACKUP_' } }, environment)
    await expect(failure).rejects.toMatchObject({ class: 'waiting', reason: 'SecretPartial' })
    await expect(failure).rejects.toThrow(/BROKER_ID, PASSWORD are missing: set CTP_BACKUP_BROKER_ID, CTP_BACKUP_PASSWORD/)
    await expect(failure).rejects.not.toThrow(/canary-user/)
  })

  it('may be a link within the directory, and not one out of it', async () => {
    write('real', { BROKER_ID: '1', USER_ID: '2', PASSWORD: '3' })
    symlinkSync(join(directory, 'real'), join(directory, 'linked'))
    expect(Object.keys(await read({ account: 'ctp', logins: 1, file: { path: 'linked' } }))).toHaveLength(3)
    symlinkSync('/etc/hostname', join(directory, 'real', 'APP_ID'))
    await expect(read({ account: 'ctp', logins: 1, file: { path: 'linked' } })).rejects.toMatchObject({
      class: 'stalled',
      reason: 'SecretRefused',
    })
  })

  it('are refused where a pipe stands in the place of a file, without waiting for it', async () => {
    write('primary', { BROKER_ID: '1', USER_ID: '2' })
    execFileSync('mkfifo', [join(directory, 'primary', 'PASSWORD')])
    await expect(read({ account: 'ctp', logins: 1, file: { path: 'primary' } })).rejects.toMatchObject({
      reason: 'SecretRefused',
    })
  })

  const nats: [string, NodeJS.ProcessEnv, boolean][] = [
    ['a token', { N_TOKEN: 't' }, true],
    ['user and password', { N_USER: 'u', N_PASSWORD: 'p' }, true],
    ['a user alone', { N_USER: 'u' }, false],
  ]
  it.each(nats)('for NATS with %s', async (_name, environment, complete) => {
    const answer = read({ account: 'nats', logins: 1, env: { prefix: 'N_' } }, environment)
    if (complete) expect(Object.keys(await answer)).toHaveLength(Object.keys(environment).length)
    else await expect(answer).rejects.toMatchObject({ reason: 'SecretPartial' })
  })
})
