import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { digestOf } from './image.ts'
import { splitReference } from './reference.ts'
import { loginFor } from './registrylogin.ts'

it.each([
  ['feed', { registry: 'docker.io', name: 'feed', tag: 'latest', familiar: 'feed' }],
  ['acme/feed:1.2', { registry: 'docker.io', name: 'acme/feed', tag: '1.2', familiar: 'acme/feed' }],
  ['docker.io/library/feed:1', { registry: 'docker.io', name: 'docker.io/library/feed', tag: '1', familiar: 'feed' }],
  [
    'localhost:5000/feed',
    { registry: 'localhost:5000', name: 'localhost:5000/feed', tag: 'latest', familiar: 'localhost:5000/feed' },
  ],
  ['ghcr.io/a/feed:1@sha256:ab', { registry: 'ghcr.io', name: 'ghcr.io/a/feed', tag: 'sha256:ab', familiar: 'ghcr.io/a/feed' }],
])('splits %s', (reference, parts) => {
  expect(splitReference(reference)).toEqual(parts)
})

it('prefers the digest of its own repository, then any, then the id', () => {
  const digests = ['z/feed@sha256:3', 'acme/feed@sha256:2', 'acme/feed@sha256:1']
  expect(digestOf('acme/feed:1', 'sha256:0', digests)).toBe('acme/feed@sha256:1')
  expect(digestOf('acme/feed@sha256:2', 'sha256:0', digests)).toBe('acme/feed@sha256:2')
  expect(digestOf('other:1', 'sha256:0', ['z/feed@sha256:3'])).toBe('z/feed@sha256:3')
  expect(digestOf('other:1', 'sha256:0', [])).toBe('sha256:0')
})

it('finds the login of a registry in config.json, whose keys are hosts or URLs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'feedplane-login-'))
  const file = join(folder, 'config.json')
  const auth = Buffer.from('user:pass:word').toString('base64')
  const auths = { 'https://index.docker.io/v1/': { auth }, 'ghcr.io': { identitytoken: 'token' }, 'empty.io': {} }
  await writeFile(file, JSON.stringify({ auths, credsStore: 'desktop' }))
  const hub = { username: 'user', password: 'pass:word', serveraddress: 'https://index.docker.io/v1/' }
  expect(await loginFor(file, 'docker.io')).toEqual(hub)
  expect(await loginFor(file, 'ghcr.io')).toEqual({ identitytoken: 'token', serveraddress: 'ghcr.io' })
  expect(await loginFor(file, 'empty.io')).toBeUndefined()
  expect(await loginFor(file, 'quay.io')).toBeUndefined()
  expect(await loginFor(join(folder, 'absent.json'), 'ghcr.io')).toBeUndefined()
  await writeFile(file, `{"auths":{"ghcr.io":{"auth":"${auth}"`)
  await expect(loginFor(file, 'ghcr.io')).rejects.toMatchObject({ class: 'stalled', reason: 'RegistryLoginUnreadable' })
  expect(String(await loginFor(file, 'ghcr.io').catch(error => error))).not.toContain(auth)
  await rm(folder, { recursive: true })
})
