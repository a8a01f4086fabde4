// needs: docker, compose
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDockerEngine } from '../controller/engines/docker/engine.ts'
import { holdsPromises, type Subject, until } from '../controller/engines/engine.conformance.ts'
import { type Engine, labels, type WorkloadSpec } from '../controller/engines/engine.ts'
import { type SocketProxy, startSocketProxy } from './engine-proxy.ts'
import { type Docker, startDocker } from './services/docker.ts'

const fixtures = join(import.meta.dirname, '../controller/engines/docker/fixtures')

async function standinImage({ docker, project }: Docker): Promise<string> {
  const image = `${project}/standin:1`
  await docker('build', '--quiet', '--tag', image, fixtures)
  return image
}

holdsPromises('docker', async (): Promise<Subject> => {
  const docker = await startDocker()
  const { project } = docker
  const engine = openDockerEngine({ endpoint: `unix://${docker.socket}`, installation: project })
  const close = async () => {
    await engine.close()
    await docker.stop()
  }
  return {
    ...{ engine, image: await standinImage(docker), prefix: project, installation: project, network: `${project}-net`, project },
    ...{ uid: 10_001, close },
    stranger: async name => {
      await docker.docker('run', '--detach', '--name', name, '--label', docker.label, 'busybox:1.36', 'sleep', '600')
      return () => docker.docker('inspect', '--format', '{{.Id}} {{.Name}} {{json .State}}', name)
    },
    networks: {
      exists: async name => (await docker.docker('network', 'ls', '--quiet', '--filter', `name=^${name}$`)) !== '',
      make: async name => void (await docker.docker('network', 'create', '--label', docker.label, name)),
      disconnect: async (name, network) => void (await docker.docker('network', 'disconnect', network, name)),
    },
    exposure: async name => {
      const top = await docker.docker('top', name, '-eo', 'pid,args')
      return [await docker.docker('inspect', name), top, await docker.docker('logs', name)].join('\n')
    },
  }
})

describe('docker engine in its world', () => {
  let scope: Docker
  let engine: Engine
  let image: string
  let proxy: SocketProxy
  beforeAll(async () => {
    scope = await startDocker()
    image = await standinImage(scope)
    proxy = await startSocketProxy(scope.socket)
    engine = openDockerEngine({ endpoint: `unix://${scope.socket}`, installation: scope.project })
  })
  afterAll(async () => {
    await engine?.close()
    await proxy?.stop()
    await scope?.stop()
  })

  const behindProxy = (change = {}): Engine =>
    openDockerEngine({ endpoint: `unix://${proxy.path}`, installation: scope.project, ...change })
  const nameOf = (short: string): string => `${scope.project}-${short}`
  const specOf = (short: string, change: Partial<WorkloadSpec> = {}): WorkloadSpec => ({
    ...{
      name: nameOf(short),
      image,
      project: scope.project,
      service: short,
      network: nameOf('net'),
      env: {},
      reach: 'published',
    },
    labels: { [labels.owner]: `Feed/test/${short}` },
    ...{ memoryBytes: 32 * 1024 * 1024, pidsLimit: 32, logMaxBytes: 1_000_000, logMaxFiles: 3, stopGraceMs: 2_000, port: 9100 },
    ...{ binds: [], files: [{ path: 'token', content: 'x' }], ...change },
  })
  const run = async (short: string, change: Partial<WorkloadSpec> = {}): Promise<string> => {
    const { name } = specOf(short, change)
    await engine.create(specOf(short, change), soon())
    await engine.start(name, soon())
    return name
  }
  const volumes = async (short: string): Promise<string[]> =>
    (await scope.docker('volume', 'ls', '--quiet', '--filter', `name=${nameOf(short)}`)).split('\n').filter(line => line !== '')

  it('runs a feed with least rights and bounded memory, processes and logs', async () => {
    const name = await run('least', { cpus: 0.5 })
    const [found] = JSON.parse(await scope.docker('inspect', name))
    expect(found.Config.User).toBe('10001:10001')
    expect(found.HostConfig).toMatchObject({
      ...{
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        CapAdd: null,
        Privileged: false,
        Init: true,
        SecurityOpt: ['no-new-privileges:true'],
      },
      ...{ Memory: 32 * 1024 * 1024, MemorySwap: 32 * 1024 * 1024, PidsLimit: 32, NanoCpus: 500_000_000 },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '1000000', 'max-file': '3' } },
      RestartPolicy: { Name: 'unless-stopped' },
    })
    expect(found.NetworkSettings.Ports['9100/tcp']).toEqual([{ HostIp: '127.0.0.1', HostPort: expect.stringMatching(/^\d+$/) }])
    const variables = found.Config.Env.filter((line: string) => !line.startsWith('PATH='))
    expect(variables.sort()).toEqual(['FEEDPLANE_BIND=0.0.0.0', 'TZ=Asia/Shanghai'])
  })

  it('shows feeds in docker compose ps, logs and ls', async () => {
    const name = await run('compose')
    await until(async () => (await engine.logs(name, 100, soon())).includes('ready') || undefined)
    const compose = (...args: string[]) => scope.docker('compose', '--project-name', scope.project, ...args)
    expect(await compose('ps')).toMatch(new RegExp(`^${name} .* compose .* 127\\.0\\.0\\.1:\\d+->9100/tcp`, 'm'))
    expect(await compose('logs', 'compose')).toContain('ready')
    expect(await scope.docker('compose', 'ls', '--format', 'json')).toContain(`"Name":"${scope.project}"`)
  })

  it('is reached by name where it publishes no port', async () => {
    const name = await run('named', { reach: 'network', port: 9200 })
    expect((await engine.inspect(name, soon()))?.endpoint).toBe(`http://${name}:9200`)
  })

  it('does not look at DOCKER_HOST', async () => {
    process.env.DOCKER_HOST = 'tcp://127.0.0.1:1'
    try {
      const other = openDockerEngine({ endpoint: `unix://${scope.socket}`, installation: scope.project })
      expect(await other.version(soon())).toMatch(/^Docker \d+\..* \(API 1\.\d+\)$/)
      await other.close()
    } finally {
      delete process.env.DOCKER_HOST
    }
  })

  it('clears what a creation left when the controller died in it', async () => {
    const name = nameOf('half')
    const owned = ['--label', `${labels.owner}=Feed/test/half`, '--label', `${labels.installation}=${scope.project}`]
    await scope.docker('create', '--name', `${name}_creating`, ...owned, '--volume', `${name}:/var/lib/feedplane`, image)
    expect((await engine.list(soon())).map(found => found.name)).toContain(`${name}_creating`)
    await engine.create(specOf('half'), soon())
    const mine = (await engine.list(soon())).filter(({ owner }) => owner === 'Feed/test/half')
    expect(mine.map(found => found.name)).toEqual([name])
  })

  it('starts from an empty volume, and touches no volume that is not its own', async () => {
    const left = ['--label', `${labels.installation}=${scope.project}`, nameOf('volume')]
    await scope.docker('volume', 'create', ...left)
    await scope.docker('volume', 'create', nameOf('foreign'))
    await run('volume')
    const foreign = await run('foreign')
    expect(await volumes('volume')).toEqual([nameOf('volume')])
    expect(await volumes('foreign')).toHaveLength(2)
    await engine.remove(foreign, soon())
    expect(await volumes('foreign')).toEqual([nameOf('foreign')])
    await engine.remove(nameOf('volume'), soon())
    expect(await volumes('volume')).toEqual([])
  })

  it('deletes the volume of a container that somebody else removed', async () => {
    const name = await run('swept')
    await scope.docker('rm', '--force', name)
    expect(await volumes('swept')).toEqual([name])
    await engine.remove(name, soon())
    expect(await volumes('swept')).toEqual([])
  })

  it('makes the network again that somebody deleted', async () => {
    const network = nameOf('lost')
    await engine.create(specOf('network', { network }), soon())
    await scope.docker('network', 'rm', network)
    await engine.start(nameOf('network'), soon())
    expect((await engine.inspect(nameOf('network'), soon()))?.state).toBe('running')
    await engine.stop(nameOf('network'), soon())
    await scope.docker('network', 'rm', network)
    await engine.start(nameOf('network'), soon())
    expect(await scope.docker('network', 'inspect', '--format', '{{range .Containers}}{{.Name}}{{end}}', network)).toBe(
      nameOf('network'),
    )
  })

  it('refuses binds of the Docker socket, the whole host, and sources that are not there', async () => {
    for (const source of ['/var/run/docker.sock', '/', '/proc/1', `/nowhere-${scope.project}`]) {
      const spec = specOf('bind', { binds: [{ source, target: '/data' }] })
      await expect(engine.create(spec, soon())).rejects.toMatchObject({ class: 'stalled', reason: 'InvalidSpec' })
    }
    expect(await engine.inspect(nameOf('bind'), soon())).toBeUndefined()
  })

  it('does not take the first letters of an id for a name', async () => {
    const id = (await engine.inspect(await run('prefix'), soon()))?.id ?? ''
    expect(await engine.inspect(id.slice(0, 12), soon())).toBeUndefined()
    await engine.remove(id.slice(0, 12), soon())
    expect((await engine.inspect(id, soon()))?.state).toBe('running')
  })

  it('stops what somebody paused', async () => {
    const name = await run('paused')
    await scope.docker('pause', name)
    await engine.stop(name, soon())
    expect((await engine.inspect(name, soon()))?.state).toBe('stopped')
  })

  it('says EngineUnreachable without an engine and EngineTimeout with one that does not answer', async () => {
    const absent = openDockerEngine({ endpoint: 'unix:///nonexistent/docker.sock', installation: 'x' })
    await expect(absent.list(soon())).rejects.toMatchObject({ class: 'transient', reason: 'EngineUnreachable' })
    await absent.close()
    const other = behindProxy({ callTimeoutMs: 300 })
    await other.list(soon())
    proxy.freeze()
    await expect(other.list(soon())).rejects.toMatchObject({ class: 'transient', reason: 'EngineTimeout' })
    proxy.thaw()
    await until(async () => other.list(soon()).catch(() => undefined))
    await other.close()
  })

  it('leaves one container where the answer to a creation was lost', async () => {
    const other = behindProxy()
    await other.list(soon())
    proxy.cutAfter('/containers/create')
    await expect(other.create(specOf('lost'), soon())).rejects.toMatchObject({ class: 'transient' })
    proxy.heal()
    await other.create(specOf('lost'), soon())
    const mine = (await engine.list(soon())).filter(({ owner }) => owner === 'Feed/test/lost')
    expect(mine.map(found => found.name)).toEqual([nameOf('lost')])
    expect(await volumes('lost')).toHaveLength(1)
    await other.close()
  })

  it('hints on after the event stream broke and after it fell silent', async () => {
    const name = await run('watched')
    const other = behindProxy({ watchReopenMs: 1_500, callTimeoutMs: 1_000 })
    const hints: (string | undefined)[] = []
    const ended = new AbortController()
    const watching = other.watch(hint => hints.push(hint), ended.signal)
    const hinted = (hint: string | undefined) => until(async () => hints.includes(hint) || undefined)
    await hinted(undefined)
    proxy.cut()
    hints.length = 0
    await hinted(undefined)
    proxy.freeze()
    hints.length = 0
    await engine.stop(name, soon())
    proxy.forget()
    await hinted(undefined)
    await hinted(name)
    ended.abort()
    await watching
    await other.close()
  })
})

const soon = (): AbortSignal => AbortSignal.timeout(60_000)
