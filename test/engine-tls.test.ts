// needs: docker, openssl
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createConnection } from 'node:net'
import { createServer, type Server } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDockerEngine } from '../controller/engines/docker/engine.ts'
import { type Engine, labels, type WorkloadSpec } from '../controller/engines/engine.ts'
import { type Authority, type Identity, startAuthority } from './services/certificates.ts'
import { type Docker, startDocker } from './services/docker.ts'

const soon = () => AbortSignal.timeout(20_000)

/** The engine behind TLS that asks for a client's certificate, as dockerd has it with --tlsverify. */
describe('a Docker engine over TCP with mutual TLS', () => {
  let docker: Docker
  let authority: Authority
  let strangers: Authority
  let server: Server
  let client: Identity
  const opened: Engine[] = []
  beforeAll(async () => {
    docker = await startDocker()
    await docker.ensureImage('busybox:1.36')
    authority = await startAuthority()
    strangers = await startAuthority()
    client = await authority.issue('controller')
    server = await guard(docker.socket, await authority.issue('engine'))
  })
  afterAll(async () => {
    for (const engine of opened) await engine.close()
    server?.close()
    await docker?.stop()
    await authority?.remove()
    await strangers?.remove()
  })

  const endpointOf = (to: Server) => `tcp://127.0.0.1:${(to.address() as AddressInfo).port}`
  const open = (tls: Identity | undefined, to = server): Engine => {
    const engine = openDockerEngine({ endpoint: endpointOf(to), installation: docker.project, ...(tls && { tls }) })
    opened.push(engine)
    return engine
  }
  const refusal = (engine: Engine) => engine.version(soon()).then(String, (error: unknown) => error)
  const unreachable = (words: string) => ({
    ...{ class: 'transient', reason: 'EngineUnreachable' },
    message: expect.stringContaining(words),
  })

  it('runs a feed there', async () => {
    const engine = open(client)
    const name = `${docker.project}-tls`
    const spec: WorkloadSpec = {
      ...{ name, image: 'busybox:1.36', project: docker.project, service: 'tls', network: `${docker.project}-net`, env: {} },
      ...{ reach: 'published', labels: { [labels.owner]: 'Feed/test/tls' }, memoryBytes: 32 * 1024 * 1024, pidsLimit: 32 },
      ...{
        logMaxBytes: 1_000_000,
        logMaxFiles: 3,
        stopGraceMs: 500,
        port: 9100,
        binds: [],
        files: [{ path: 'token', content: 'x' }],
      },
    }
    await engine.create(spec, soon())
    expect((await engine.list(soon())).map(workload => workload.name)).toEqual([name])
    await engine.remove(name, soon())
    expect(await engine.list(soon())).toEqual([])
  })

  it('is not reached without a certificate', async () => {
    expect(await refusal(open(undefined))).toMatchObject(unreachable('Docker cannot be reached'))
  })

  it('is not reached with the certificate of another authority', async () => {
    const other = await strangers.issue('stranger')
    expect(await refusal(open({ ...other, ca: client.ca }))).toMatchObject(unreachable('may not accept the one in engine.tls'))
  })

  it('is not trusted where another authority vouches for it, or its certificate has expired', async () => {
    const other = await strangers.issue('controller')
    const imposter = await guard(docker.socket, await strangers.issue('imposter'))
    const stale = await guard(docker.socket, await authority.issue('stale', 0))
    try {
      expect(await refusal(open(client, imposter))).toMatchObject(unreachable('authority in engine.tls.ca'))
      expect(await refusal(open(client, stale))).toMatchObject(unreachable('has expired'))
      expect(await refusal(open({ ...client, ca: other.ca }))).toMatchObject(unreachable(''))
    } finally {
      imposter.close()
      stale.close()
    }
  })

  it('is stalled where a file is not there, with its path', async () => {
    const missing = { ...client, key: '/nonexistent/key.pem' }
    expect(await refusal(open(missing))).toMatchObject({
      class: 'stalled',
      reason: 'InvalidEndpoint',
      message: expect.stringContaining('/nonexistent/key.pem'),
    })
  })
})

async function guard(socket: string, { ca, cert, key }: Identity): Promise<Server> {
  const files = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) }
  const server = createServer({ ...files, requestCert: true, rejectUnauthorized: true }, client => {
    const engine = createConnection(socket)
    client.pipe(engine).pipe(client)
    client.on('error', () => engine.destroy())
    engine.on('error', () => client.destroy())
  })
  server.on('tlsClientError', () => undefined)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server
}
