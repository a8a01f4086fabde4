// needs: docker, registry
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDockerEngine } from '../controller/engines/docker/engine.ts'
import type { Engine } from '../controller/engines/engine.ts'
import { startSocketProxy } from './engine-proxy.ts'
import { temporaryDirectory } from './services/directory.ts'
import { type Docker, startDocker } from './services/docker.ts'
import { type Registry, startRegistry } from './services/registry.ts'

const login = { user: 'feeds', password: 'canary-registry-8c1' }

describe('docker engine and a registry', () => {
  let scope: Docker
  let open: Registry
  let guarded: Registry
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let anonymous: Engine
  const opened: Engine[] = []
  beforeAll(async () => {
    scope = await startDocker()
    open = await startRegistry()
    guarded = await startRegistry(login)
    directory = await temporaryDirectory('registry-login')
    anonymous = engineWith(undefined)
  })
  afterAll(async () => {
    await Promise.all(opened.map(engine => engine.close()))
    await Promise.all([open?.stop(), guarded?.stop(), scope?.stop(), directory?.remove()])
  })

  function engineWith(dockerConfigFile: string | undefined, socket = scope.socket): Engine {
    const config = dockerConfigFile === undefined ? {} : { dockerConfigFile }
    const engine = openDockerEngine({ endpoint: `unix://${socket}`, installation: scope.project, ...config })
    opened.push(engine)
    return engine
  }
  const pushed = async (registry: Registry, tag: string, ...options: string[]): Promise<string> => {
    const reference = `${registry.host}/${scope.project}/feed:${tag}`
    await scope.docker('tag', 'busybox:1.36', reference)
    await scope.docker(...options, 'push', '--quiet', reference)
    await scope.docker('image', 'rm', reference)
    return reference
  }
  const configOf = async (name: string, password: string): Promise<string> => {
    const auth = Buffer.from(`${login.user}:${password}`).toString('base64')
    const folder = join(directory.path, name)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: { [guarded.host]: { auth } } }))
    return folder
  }

  it('pulls by tag and tells the digest of the registry, by which it pulls too', async () => {
    const reference = await pushed(open, '1')
    expect(await anonymous.findImage(reference, soon())).toBeUndefined()
    const image = await anonymous.pullImage(reference, soon())
    expect(image.digest).toMatch(new RegExp(`^${open.host}/${scope.project}/feed@sha256:[0-9a-f]{64}$`))
    expect(await anonymous.findImage(reference, soon())).toEqual(image)
    await scope.docker('image', 'rm', reference)
    expect(await anonymous.pullImage(image.digest, soon())).toEqual({ reference: image.digest, digest: image.digest })
  })

  it('says ImageNotFound for a tag, a repository and a reference that do not exist', async () => {
    await pushed(open, 'there')
    for (const rest of [`${scope.project}/feed:missing`, `${scope.project}/other:1`, 'UPPER CASE']) {
      const pulled = anonymous.pullImage(`${open.host}/${rest}`, soon())
      await expect(pulled).rejects.toMatchObject({ class: 'stalled', reason: 'ImageNotFound' })
    }
  })

  it('says RegistryDenied without a login and with a wrong one, and pulls with the right one', async () => {
    const folder = await configOf('right', login.password)
    const reference = await pushed(guarded, '1', '--config', folder)
    const denied = { class: 'stalled', reason: 'RegistryDenied' }
    await expect(anonymous.pullImage(reference, soon())).rejects.toMatchObject(denied)
    const wrong = engineWith(join(await configOf('wrong', 'canary-wrong'), 'config.json'))
    const refusal = await wrong.pullImage(reference, soon()).catch((error: Error) => error)
    expect(refusal).toMatchObject(denied)
    expect(String(refusal)).not.toContain('canary')
    const right = engineWith(join(folder, 'config.json'))
    expect((await right.pullImage(reference, soon())).reference).toBe(reference)
  })

  it('says ImagePullFailed where the registry is down, and where the stream ends before the pull is done', async () => {
    const failed = { class: 'transient', reason: 'ImagePullFailed' }
    const reference = await pushed(open, 'cut')
    const proxy = await startSocketProxy(scope.socket)
    const other = engineWith(undefined, proxy.path)
    await other.version(soon())
    proxy.cutAfter('/images/create')
    await expect(other.pullImage(reference, soon())).rejects.toMatchObject({ class: 'transient' })
    await proxy.stop()
    const gone = await startRegistry()
    await gone.stop()
    await expect(anonymous.pullImage(`${gone.host}/${scope.project}/feed:1`, soon())).rejects.toMatchObject(failed)
  })
})

const soon = (): AbortSignal => AbortSignal.timeout(60_000)
