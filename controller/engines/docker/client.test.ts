import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Engine } from '../engine.ts'
import { chooseApi } from './client.ts'
import { openDockerEngine } from './engine.ts'

const failed = { class: 'transient', reason: 'ImagePullFailed' }
const absent = { class: 'stalled', reason: 'ImageNotFound' }
const denied = { class: 'stalled', reason: 'RegistryDenied' }

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** What a real engine cannot be made to say on demand, said by a server of ours on a socket. */
describe('docker client', () => {
  let folder: string
  let server: Server
  let engine: Engine
  let answers: Record<string, Answer>
  let seen: string[]
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'feedplane-client-'))
    seen = []
    answers = { '/version': json({ Version: '29.0.1', ApiVersion: '1.52', MinAPIVersion: '1.44' }) }
    server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`)
      const answer = answers[new URL(request.url ?? '', 'http://engine').pathname]
      if (answer !== undefined) answer(request, response)
      else response.writeHead(404).end('{"message":"page not found"}')
    })
    await once(server.listen(join(folder, 'docker.sock')), 'listening')
    engine = openDockerEngine({ endpoint: `unix://${join(folder, 'docker.sock')}`, installation: 'i', callTimeoutMs: 2_000 })
  })
  afterEach(async () => {
    await engine.close()
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true })
  })

  it('speaks 1.44 with Engine 29, asks for the version once, and escapes what it puts into a path', async () => {
    expect(await engine.version(soon())).toBe('Docker 29.0.1 (API 1.44)')
    await engine.findImage('ghcr.io/acme/feed:1', soon())
    expect(await engine.inspect('../../images/json?all=1', soon())).toBeUndefined()
    expect(seen).toEqual(['GET /version', 'GET /v1.44/images/ghcr.io%2Facme%2Ffeed%3A1/json'])
  })

  it('says EngineTooOld for an engine that lacks what is used', async () => {
    answers['/version'] = json({ Version: '19.3', ApiVersion: '1.40' })
    await expect(engine.list(soon())).rejects.toMatchObject({ class: 'stalled', reason: 'EngineTooOld' })
  })

  it('asks for the version again after the engine was replaced by one that refuses the old version', async () => {
    answers['/v1.44/containers/json'] = (_request, response) =>
      void response.writeHead(400).end('{"message":"client version 1.44 is too old. Minimum supported API version is 1.50"}')
    await expect(engine.list(soon())).rejects.toMatchObject({ class: 'transient', reason: 'ApiVersionChanged' })
    answers['/version'] = json({ Version: '31.0', ApiVersion: '1.55', MinAPIVersion: '1.50' })
    answers['/v1.50/containers/json'] = json([])
    expect(await engine.list(soon())).toEqual([])
  })

  it('fails at once where an answer is cut short', async () => {
    answers['/v1.44/containers/json'] = (_request, response) => {
      response.writeHead(200, { 'Content-Length': '1000' })
      response.write('[', () => response.destroy())
    }
    await expect(engine.list(soon())).rejects.toMatchObject({ class: 'transient', reason: 'EngineUnreachable' })
  })

  it('says EngineTimeout where the answer never comes, or never ends', async () => {
    const quick = openDockerEngine({ endpoint: `unix://${join(folder, 'docker.sock')}`, installation: 'i', callTimeoutMs: 200 })
    answers['/v1.44/containers/json'] = () => undefined
    await expect(quick.list(soon())).rejects.toMatchObject({ class: 'transient', reason: 'EngineTimeout' })
    answers['/v1.44/containers/json'] = (_request, response) => void response.write('[')
    await expect(quick.list(soon())).rejects.toMatchObject({ class: 'transient', reason: 'EngineTimeout' })
    await quick.close()
  })

  const pulls: [title: string, lines: string, status: number, expected: object][] = [
    ['an error in a last line without end', '{"status":"Pulling"}\n{"errorDetail":{"message":"connection reset"}}', 200, failed],
    ['a stream that ends in the middle', '{"status":"Pulling from acme/feed"}\n', 200, failed],
    ['a line that is no JSON, and no end', '{"status":"Pull\n<html>\n', 200, failed],
    ['a rate limit', '{"message":"toomanyrequests: too many"}', 500, failed],
    ['a tag that is not there', '{"message":"manifest for acme/feed:1 not found: manifest unknown"}', 404, absent],
    [
      'a registry that will not tell',
      '{"message":"pull access denied for acme/feed, repository does not exist or may require"}',
      404,
      denied,
    ],
    ['a repository that is not there', '{"message":"Error response from daemon: name unknown: no such repository"}', 404, absent],
    ['no image for this machine', '{"message":"no match for platform in manifest"}', 500, absent],
    ['what is no image', '{"message":"unsupported manifest media type and no default available: text/html"}', 500, absent],
    ['a wrong login', '{"message":"Head https://r/v2: unauthorized: authentication required"}', 500, denied],
    ['a full disk', '{"error":"write /x: no space left on device"}\n', 200, { class: 'transient', reason: 'DiskFull' }],
  ]
  it.each(pulls)('tells a pull that met %s', async (_title, lines, status, expected) => {
    answers['/v1.44/images/create'] = (_request, response) => void response.writeHead(status).end(lines)
    await expect(engine.pullImage('acme/feed:1', soon())).rejects.toMatchObject(expected)
    expect(seen.at(-1)).toBe('POST /v1.44/images/create?fromImage=acme%2Ffeed&tag=1')
  })

  it('takes a pull for done that said so, whatever else the stream held', async () => {
    const lines = '{"status":"Pulling"}\nnot json\n\n{"status":"Status: Downloaded newer image for acme/feed:1"}'
    answers['/v1.44/images/create'] = (_request, response) => void response.end(lines)
    answers['/v1.44/images/acme%2Ffeed%3A1/json'] = json({ Id: 'sha256:1', RepoDigests: ['acme/feed@sha256:2'] })
    expect(await engine.pullImage('acme/feed:1', soon())).toEqual({ reference: 'acme/feed:1', digest: 'acme/feed@sha256:2' })
  })

  const refusals: [reason: string, faultClass: string, status: number, words: string][] = [
    ['DiskFull', 'transient', 500, 'write /var/lib/docker/x: no space left on device'],
    ['PortTaken', 'transient', 500, 'driver failed: Bind for 127.0.0.1:9100 failed: port is already allocated'],
    ['ImageMissing', 'transient', 404, 'No such image: acme/feed:1'],
    ['WorkloadMissing', 'transient', 404, 'No such container: feed-r1'],
    ['RemovalInProgress', 'transient', 409, 'removal of container feed-r1 is already in progress'],
    ['RemovalInProgress', 'transient', 409, 'container is marked for removal and cannot be started'],
    ['StartFailed', 'stalled', 400, 'runc create failed: exec: "feed": executable file not found in $PATH'],
    ['ApiVersionChanged', 'transient', 400, 'client version 1.44 is too old. Minimum supported API version is 1.50'],
    ['InvalidSpec', 'stalled', 400, 'invalid restart policy'],
    ['Conflict', 'transient', 409, 'cannot start a paused container, try unpause instead'],
    ['EngineError', 'transient', 500, 'no such driver'],
  ]
  it.each(refusals)(
    'says %s (%s) where the start of a container is refused with %i: %s',
    async (reason, faultClass, status, words) => {
      answers['/v1.44/containers/feed-r1/json'] = json(inspected('feed-r1'))
      answers[`/v1.44/containers/${id}/start`] = refuse(status, words)
      await expect(engine.start('feed-r1', soon())).rejects.toMatchObject({
        ...{ class: faultClass, reason },
        message: expect.stringContaining(words),
      })
    },
  )

  it('says Conflict where a name was taken and is free again when it is looked for', async () => {
    answers['/v1.44/containers/feed-r1/json'] = json(inspected('feed-r1'))
    answers[`/v1.44/containers/${id}/rename`] = refuse(409, 'The container name "/feed-r2" is already in use by container "b"')
    await expect(engine.rename('feed-r1', 'feed-r2', soon())).rejects.toMatchObject({ class: 'transient', reason: 'Conflict' })
  })

  it('says AlreadyExists where the owner has a container of this name', async () => {
    answers['/v1.44/containers/feed-r1/json'] = json(inspected('feed-r1'))
    answers['/v1.44/networks/n'] = json({})
    await expect(engine.create(spec, soon())).rejects.toMatchObject({ class: 'transient', reason: 'AlreadyExists' })
  })

  it('says RemovalInProgress where a container stays, although it was removed', async () => {
    const quick = openDockerEngine({ endpoint: `unix://${join(folder, 'docker.sock')}`, installation: 'i', callTimeoutMs: 200 })
    answers['/v1.44/containers/feed-r1/json'] = json(inspected('feed-r1'))
    answers[`/v1.44/containers/${id}/json`] = json(inspected('feed-r1'))
    answers[`/v1.44/containers/${id}/stop`] = json({})
    answers[`/v1.44/containers/${id}`] = refuse(409, `removal of container ${id} is already in progress`)
    await expect(quick.remove('feed-r1', soon())).rejects.toMatchObject({ class: 'transient', reason: 'RemovalInProgress' })
    await quick.close()
  })

  it('keeps environment and files out of the URL', async () => {
    answers['/v1.44/networks/n'] = json({})
    answers['/v1.44/containers/create'] = json({ Id: id })
    answers[`/v1.44/containers/${id}/archive`] = json({})
    answers[`/v1.44/containers/${id}/rename`] = json({})
    expect(await engine.create(spec, soon())).toBe(id)
    expect(seen).toContain('POST /v1.44/containers/create?name=feed-r1_creating')
    expect(seen.at(-1)).toBe(`POST /v1.44/containers/${id}/rename?name=feed-r1`)
    expect(seen.join('\n')).not.toContain('canary')
  })
})

describe('choice of the API version', () => {
  it('takes 1.44 where the engine has it, and the nearest where it has not', () => {
    expect(chooseApi('1.41', '1.12')).toBe('1.41')
    expect(chooseApi('1.52', '1.44')).toBe('1.44')
    expect(chooseApi('1.60', '1.50')).toBe('1.50')
    expect(() => chooseApi('1.40')).toThrow('Engine 20.10')
  })
})

const id = 'a'.repeat(64)
const spec = {
  ...{ name: 'feed-r1', image: 'acme/feed:1', labels: { 'dev.feedplane.owner': 'Feed/a/b' } },
  ...{ project: 'p', service: 's', network: 'n', env: { CANARY: 'canary' } },
  ...{ memoryBytes: 2 ** 25, pidsLimit: 32, logMaxBytes: 1000, logMaxFiles: 1, stopGraceMs: 1000 },
  ...{ binds: [], port: 9100, reach: 'network' as const, files: [{ path: 'token', content: 'canary' }] },
}

/** What the engine tells of a container that runs and belongs to the owner of `spec`. */
const inspected = (name: string): object => ({
  ...{ Id: id, Name: `/${name}`, RestartCount: 0, Mounts: [], HostConfig: { NetworkMode: 'n' } },
  State: { Status: 'running', ExitCode: 0, OOMKilled: false, StartedAt: '2026-01-01T00:00:00Z' },
  Config: { Image: spec.image, Tty: false, Labels: { ...spec.labels, 'dev.feedplane.installation': 'i' } },
  NetworkSettings: { Networks: { n: {} } },
})

const refuse =
  (status: number, message: string): Answer =>
  (_request, response) =>
    void response.writeHead(status).end(JSON.stringify({ message }))

const json =
  (value: unknown): Answer =>
  (_request, response) =>
    void response.end(JSON.stringify(value))

const soon = (): AbortSignal => AbortSignal.timeout(10_000)
