import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readAccountSecrets, readBusSecrets } from './secrets.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'feedplane-secrets-'))
  for (const key of ['BROKER_ID', 'USER_ID', 'PASSWORD']) await write(key, `${key}\n`)
})
afterEach(() => rm(directory, { recursive: true }))

const write = (key: string, value: string) => writeFile(join(directory, key), value)

it('the secrets of an account are read without the newline at their end', async () => {
  expect(await readAccountSecrets(directory)).toEqual({ BROKER_ID: 'BROKER_ID', USER_ID: 'USER_ID', PASSWORD: 'PASSWORD' })
})

it('one that is empty or not there is SecretMissing, and named', async () => {
  await write('PASSWORD', '')
  await rm(join(directory, 'USER_ID'))
  await expect(readAccountSecrets(directory)).rejects.toMatchObject({
    ...{ class: 'waiting', reason: 'SecretMissing' },
    message: 'the account lacks the secrets USER_ID, PASSWORD',
  })
})

it.each([
  ['an account', readAccountSecrets],
  ['the bus', readBusSecrets],
])('one of %s that is a file of another kind is SecretTooLong', async (_whose, read) => {
  await write('PASSWORD', 'x'.repeat(64 * 1024 + 1))
  await expect(read(directory)).rejects.toMatchObject({ class: 'waiting', reason: 'SecretTooLong' })
})
