import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { writeSecretSet } from './secretset.ts'

let directory: string

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'feedplane-secrets-')), 'secrets')
})
afterEach(() => rm(join(directory, '..'), { recursive: true, force: true }))

const read = (file: string): Promise<string> => readFile(join(directory, file), 'utf8')

it('writes accounts that both sides agree on, other ones in each set', async () => {
  await writeSecretSet({ directory, simulator: true, isRoot: false })
  const [primary, nats] = [await read('accounts/primary/PASSWORD'), await read('accounts/nats/PASSWORD')]
  expect(JSON.parse(await read('stack/simulator-accounts.json'))).toMatchObject([{ PASSWORD: primary }, { USER_ID: '100002' }])
  expect(await read('stack/nats-accounts.conf')).toContain(`"password":"${nats}"`)
  await rm(directory, { recursive: true })
  await writeSecretSet({ directory, simulator: true, isRoot: false })
  expect(await read('accounts/primary/PASSWORD')).not.toBe(primary)
})

it('keeps what is there, and derives from it', async () => {
  await writeSecretSet({ directory, simulator: false, isRoot: false })
  await rm(join(directory, 'accounts/nats/PASSWORD'))
  await rm(join(directory, 'stack/nats-accounts.conf'))
  await writeFile(join(directory, 'accounts/nats/PASSWORD'), 'of-the-operator\n')
  expect(await writeSecretSet({ directory, simulator: false, isRoot: false })).toEqual(['stack/nats-accounts.conf'])
  expect(await read('stack/nats-accounts.conf')).toContain('"password":"of-the-operator"')
  expect(await writeSecretSet({ directory, simulator: false, isRoot: false })).toEqual([])
})

it('lets nobody but its owner into the set of a user', async () => {
  await writeSecretSet({ directory, simulator: false, isRoot: false })
  expect((await stat(directory)).mode & 0o777).toBe(0o700)
  expect((await readdir(directory)).sort()).toEqual(['accounts', 'alertmanager', 'stack'])
})
