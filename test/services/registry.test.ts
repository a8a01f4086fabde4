// needs: docker, registry
import { expect, it, onTestFinished } from 'vitest'
import { startDocker } from './docker.ts'
import { startRegistry } from './registry.ts'

it('takes a push and gives the same image back by digest', async () => {
  const [engine, registry] = await Promise.all([startDocker(), startRegistry()])
  onTestFinished(async () => void (await Promise.all([engine.stop(), registry.stop()])))
  const image = `${registry.host}/${engine.project}/busybox`
  await engine.ensureImage('busybox:1.36')
  await engine.docker('tag', 'busybox:1.36', `${image}:1`)
  await engine.docker('push', '--quiet', `${image}:1`)
  const digest = await engine.docker('image', 'inspect', '--format', '{{index .RepoDigests 0}}', `${image}:1`)
  await engine.docker('rmi', `${image}:1`)
  await engine.docker('pull', '--quiet', digest.replace(/^.*@/, `${image}@`))
  expect(await engine.docker('run', '--rm', '--label', engine.label, digest.replace(/^.*@/, `${image}@`), 'echo', 'ran')).toBe(
    'ran',
  )
})

it('asks for the login where it has one', async () => {
  const registry = await startRegistry({ user: 'reader', password: 'right' })
  onTestFinished(registry.stop)
  const status = async (password: string) => {
    const authorization = `Basic ${Buffer.from(`reader:${password}`).toString('base64')}`
    return (await fetch(`${registry.url}/v2/`, { headers: { authorization } })).status
  }
  expect([await status('wrong'), await status('right')]).toEqual([401, 200])
})
