import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { holdsPromises, type Subject, until } from '../controller/engines/engine.conformance.ts'
import { type Engine, labels, type WorkloadSpec } from '../controller/engines/engine.ts'
import { openProcessEngine, type ProcessEngineSettings } from '../controller/engines/process/engine.ts'
import { stopAll } from '../controller/engines/stopall.ts'
import { temporaryDirectory } from './services/directory.ts'

const installationDirectory = join(import.meta.dirname, '..')
const standin = 'controller/engines/process/fixtures/standin.ts'
const images = [{ reference: 'standin:1', entry: standin, args: [] }]

function settingsIn(root: string): ProcessEngineSettings {
  const log = { warn: () => undefined }
  return { root, images, installationDirectory, dataDirectory: '/srv/data', installation: 'test', log }
}

holdsPromises('process', async (): Promise<Subject> => {
  const dir = await temporaryDirectory('engine')
  const strangers = ['p-stranger']
  for (const name of strangers) makeStranger(dir.path, name)
  const engine = openProcessEngine(settingsIn(dir.path))
  const close = async () => {
    await stopAll(engine, AbortSignal.timeout(30_000))
    await engine.close()
    await dir.remove()
  }
  return {
    ...{ engine, image: 'standin:1', prefix: 'p', installation: 'test', network: 'none', project: 'none', close },
    uid: process.getuid?.() ?? 0,
    stranger: async name => async () => readFileSync(recordOf(dir.path, name), 'utf8'),
    exposure: async name => exposureOf(dir.path, name),
  }
})

const recordOf = (root: string, name: string): string => join(root, 'workloads', name, 'workload.json')

// Another installation's, in our folder: as near to a stranger as this engine can meet one.
function makeStranger(root: string, name: string): void {
  const found = { [labels.owner]: 'Feed/other/x', [labels.installation]: 'other' }
  mkdirSync(join(root, 'workloads', name), { recursive: true })
  const command = { entry: '/nowhere', args: [], env: {}, memoryBytes: 1, logMaxBytes: 1, logMaxFiles: 1, stopGraceMs: 1 }
  const record = { version: 1, id: 'f'.repeat(32), name, labels: found, image: 'x', ...command }
  writeFileSync(recordOf(root, name), JSON.stringify({ ...record, wanted: 'running', restarts: 0, outOfMemory: false }))
}

function exposureOf(root: string, name: string): string {
  const record = readFileSync(recordOf(root, name), 'utf8')
  const { pid } = JSON.parse(record).process
  return [record, ...['cmdline', 'environ'].map(file => readFileSync(`/proc/${pid}/${file}`, 'utf8'))].join('\n')
}

describe('process engine across restarts of the controller', () => {
  const opened: { engine: Engine; remove(): Promise<void> }[] = []
  afterEach(async () => {
    for (const { engine, remove } of opened.splice(0).reverse()) {
      await stopAll(engine, AbortSignal.timeout(30_000)).catch(() => undefined)
      await engine.close()
      await remove()
    }
  })

  const open = async (root?: string, change: Partial<ProcessEngineSettings> = {}) => {
    const dir = root === undefined ? await temporaryDirectory('engine') : undefined
    const path = root ?? dir?.path ?? ''
    const engine = openProcessEngine({ ...settingsIn(path), ...change })
    opened.push({ engine, remove: async () => dir?.remove() })
    return { engine, root: path }
  }

  it('leaves feeds running when it closes and takes them over when it opens', async () => {
    const { engine, root } = await open()
    await start(engine, 'steady')
    const { pid } = processOf(root, 'steady')
    await engine.close()
    expect(isRunning(pid)).toBe(true)
    const { engine: next } = await open(root)
    expect(await next.inspect('steady', soon())).toMatchObject({ state: 'running', restarts: 0, endpoint: expect.any(String) })
    expect(processOf(root, 'steady').pid).toBe(pid)
    await next.stop('steady', soon())
    expect(isRunning(pid)).toBe(false)
    expect(await next.inspect('steady', soon())).toMatchObject({ state: 'stopped', exitCode: undefined })
  })

  it('keeps feeds running through a kill -9 of the controller', async () => {
    const { engine, root } = await open()
    await engine.version(soon())
    await engine.close()
    const controller = spawn(process.execPath, ['--input-type=module', '-e', controllerScript(root)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(controller.stdout, 'data')
    const { pid } = processOf(root, 'survivor')
    controller.kill('SIGKILL')
    await once(controller, 'exit')
    const { engine: next } = await open(root)
    expect(await next.inspect('survivor', soon())).toMatchObject({ state: 'running', restarts: 0 })
    expect(processOf(root, 'survivor').pid).toBe(pid)
  })

  it('restarts what died while there was no controller, and counts it', async () => {
    const { engine, root } = await open()
    await start(engine, 'dead')
    await engine.close()
    await kill(processOf(root, 'dead').pid)
    const { engine: next } = await open(root)
    await until(async () => ((await next.inspect('dead', soon()))?.endpoint === undefined ? undefined : true))
    expect(await next.inspect('dead', soon())).toMatchObject({ state: 'running', restarts: 1 })
  })

  it('restarts what it took over and what dies then', async () => {
    const { engine, root } = await open()
    await start(engine, 'later')
    await engine.close()
    const { engine: next } = await open(root)
    await next.version(soon())
    await kill(processOf(root, 'later').pid)
    await until(async () => ((await next.inspect('later', soon()))?.restarts === 1 ? true : undefined))
    expect((await next.inspect('later', soon()))?.restarts).toBe(1)
  })

  it('takes no other process for its own because it has the pid', async () => {
    const { engine, root } = await open()
    await start(engine, 'reused')
    await engine.stop('reused', soon())
    await engine.close()
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' })
    const path = recordOf(root, 'reused')
    const record = JSON.parse(readFileSync(path, 'utf8'))
    const forged = { pid: bystander.pid, startTicks: 1, bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() }
    writeFileSync(path, JSON.stringify({ ...record, process: forged }))
    const { engine: next } = await open(root)
    expect(await next.inspect('reused', soon())).toMatchObject({ state: 'stopped' })
    await next.remove('reused', soon())
    expect(isRunning(bystander.pid ?? 0)).toBe(true)
    await kill(bystander.pid ?? 0)
  })

  it('finds a process that was started and not yet recorded', async () => {
    const { engine, root } = await open()
    await start(engine, 'unrecorded')
    const { pid } = processOf(root, 'unrecorded')
    await engine.close()
    const path = recordOf(root, 'unrecorded')
    const { process: _forgotten, ...record } = JSON.parse(readFileSync(path, 'utf8'))
    writeFileSync(path, JSON.stringify(record))
    const { engine: next } = await open(root)
    expect(await next.inspect('unrecorded', soon())).toMatchObject({ state: 'running', restarts: 0 })
    expect(processOf(root, 'unrecorded').pid).toBe(pid)
  })

  it('finishes a stop that the controller died in', async () => {
    const { engine, root } = await open()
    await start(engine, 'stopping')
    const { pid } = processOf(root, 'stopping')
    await engine.close()
    const path = recordOf(root, 'stopping')
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), wanted: 'stopped' }))
    const { engine: next } = await open(root)
    await until(async () => ((await next.inspect('stopping', soon()))?.state === 'stopped' ? true : undefined))
    expect(isRunning(pid)).toBe(false)
  })

  it('clears what a creation left when the controller died in it, and leaves what it cannot read', async () => {
    const { engine, root } = await open()
    await engine.version(soon())
    await engine.close()
    await mkdir(join(root, 'workloads', 'half', 'directory'), { recursive: true })
    await mkdir(join(root, 'workloads', 'newer'))
    await writeFile(recordOf(root, 'newer'), '{"version":2}')
    const { engine: next } = await open(root)
    await next.create(specOf('half'), soon())
    expect((await readdir(join(root, 'workloads'))).sort()).toEqual(['half', 'newer'])
  })

  it('ends and forgets a workload whose folder somebody deleted, and gives its name away again', async () => {
    const { engine, root } = await open()
    await start(engine, 'deleted')
    const { pid } = processOf(root, 'deleted')
    await rm(join(root, 'workloads', 'deleted'), { recursive: true })
    await until(async () => ((await engine.inspect('deleted', soon())) === undefined ? true : undefined))
    expect(isRunning(pid)).toBe(false)
    await start(engine, 'deleted')
    expect(await engine.inspect('deleted', soon())).toMatchObject({ state: 'running', restarts: 0 })
  })

  it('refuses a folder that another engine holds', async () => {
    const { engine, root } = await open()
    await engine.version(soon())
    const { engine: second } = await open(root)
    await expect(second.list(soon())).rejects.toMatchObject({ class: 'stalled', reason: 'EngineInUse' })
  })

  it('takes a folder over once the engine that held it has closed', async () => {
    const { engine, root } = await open()
    await start(engine, 'handed')
    const { engine: second } = await open(root)
    const hints: (string | undefined)[] = []
    const watching = new AbortController()
    const watched = second.watch(name => hints.push(name), watching.signal)
    await expect(second.list(soon())).rejects.toMatchObject({ reason: 'EngineInUse' })
    await engine.close()
    expect(await second.list(soon())).toMatchObject([{ name: 'handed', state: 'running', restarts: 0 }])
    await kill(processOf(root, 'handed').pid)
    await until(async () => hints.includes('handed') || undefined)
    watching.abort()
    await watched
  })

  it('tries a restart again that failed', async () => {
    const { engine, root } = await open()
    await start(engine, 'blocked')
    const log = join(root, 'workloads', 'blocked', 'output.log')
    await rm(log)
    await mkdir(log)
    await kill(processOf(root, 'blocked').pid)
    await until(async () => ((await engine.inspect('blocked', soon()))?.restarts ? true : undefined))
    await rm(log, { recursive: true })
    await until(async () => ((await engine.inspect('blocked', soon()))?.state === 'running' ? true : undefined))
    expect(await engine.inspect('blocked', soon())).toMatchObject({ state: 'running' })
  })

  it('stops what could not be restarted', async () => {
    const { engine, root } = await open()
    await start(engine, 'stuck')
    const log = join(root, 'workloads', 'stuck', 'output.log')
    await rm(log)
    await mkdir(log)
    await kill(processOf(root, 'stuck').pid)
    await until(async () => ((await engine.inspect('stuck', soon()))?.restarts ? true : undefined))
    await engine.stop('stuck', soon())
    expect(await engine.inspect('stuck', soon())).toMatchObject({ state: 'stopped' })
  })

  it('starts at the next try what could not be started', async () => {
    const { engine, root } = await open()
    await engine.create(specOf('hindered'), soon())
    const log = join(root, 'workloads', 'hindered', 'output.log')
    await mkdir(log)
    await expect(engine.start('hindered', soon())).rejects.toMatchObject({ reason: 'EngineError' })
    expect(await engine.inspect('hindered', soon())).toMatchObject({ state: 'created' })
    await rm(log, { recursive: true })
    await engine.start('hindered', soon())
    expect(await engine.inspect('hindered', soon())).toMatchObject({ state: 'running' })
  })

  it('removes a workload whose record could not be written, and closes after it', async () => {
    const warned = Promise.withResolvers<void>()
    const { engine, root } = await open(undefined, { log: { warn: () => warned.resolve() } })
    await start(engine, 'unsaved')
    const record = recordOf(root, 'unsaved')
    const { pid } = processOf(root, 'unsaved')
    await rm(record)
    await mkdir(join(record, 'in-the-way'), { recursive: true })
    await expect(engine.stop('unsaved', soon())).rejects.toMatchObject({ reason: 'EngineError' })
    await kill(pid)
    await warned.promise
    await rm(record, { recursive: true })
    await engine.remove('unsaved', soon())
    expect(await engine.inspect('unsaved', soon())).toBeUndefined()
  })

  it('ends the whole group of a workload', async () => {
    const { engine, root } = await open()
    await start(engine, 'family', { env: { MODE: 'family' } })
    const { pid } = processOf(root, 'family')
    const [child = 0] = childrenOf(pid)
    expect(isRunning(child)).toBe(true)
    await kill(pid)
    await until(async () => (isRunning(child) ? undefined : true))
    expect(isRunning(child)).toBe(false)
  })

  it('bounds the log of a workload that prints without end', async () => {
    const { engine, root } = await open()
    await start(engine, 'chatter', { env: { MODE: 'chatter' }, logMaxBytes: 100_000, logMaxFiles: 2 })
    const log = join(root, 'workloads', 'chatter', 'output.log')
    await until(async () => stat(`${log}.1`).catch(() => undefined))
    const { size } = await stat(`${log}.1`)
    await until(async () => ((await stat(log)).size < size ? true : undefined))
    expect((await engine.logs('chatter', 5, soon())).length).toBeLessThan(6 * 1001)
    await expect(stat(`${log}.2`)).rejects.toThrow('ENOENT')
  })

  it('gives a feed its own variables and none of the controller', async () => {
    const { engine } = await open()
    await start(engine, 'variables', { env: { EXTRA: '1' } })
    const lines = await engine.logs('variables', 5, soon())
    expect(lines).toContain('variables EXTRA FEEDPLANE_DATA FEEDPLANE_DIRECTORY FEEDPLANE_PORT PATH TZ\n')
  })

  it('changes the digest of an image with its entry point or its arguments', async () => {
    const dir = await temporaryDirectory('images')
    await writeFile(join(dir.path, 'a.ts'), 'one')
    const changes = { installationDirectory: dir.path, images: [{ reference: 'a:1', entry: 'a.ts', args: [] }] }
    const { engine } = await open(undefined, changes)
    const first = await engine.pullImage('a:1', soon())
    expect(await engine.findImage('a:1', soon())).toEqual(first)
    await writeFile(join(dir.path, 'a.ts'), 'two')
    const second = await engine.pullImage('a:1', soon())
    expect(second.digest).not.toBe(first.digest)
    expect(await engine.findImage(first.digest, soon())).toBeUndefined()
    await dir.remove()
    expect(await engine.findImage('a:1', soon())).toBeUndefined()
    await expect(engine.pullImage('a:1', soon())).rejects.toMatchObject({ class: 'stalled', reason: 'ImageNotFound' })
  })
})

async function start(engine: Engine, name: string, change: Partial<WorkloadSpec> = {}, ready = true): Promise<void> {
  await engine.create(specOf(name, change), soon())
  await engine.start(name, soon())
  if (ready) await until(async () => (await engine.logs(name, 100, soon())).includes('ready') || undefined)
}

function specOf(name: string, change: Partial<WorkloadSpec> = {}): WorkloadSpec {
  return {
    ...{ name, image: 'standin:1', labels: { [labels.owner]: `Feed/test/${name}` }, project: 'p', service: name, network: 'n' },
    ...{ env: {}, memoryBytes: 128 * 1024 * 1024, pidsLimit: 64, logMaxBytes: 1_000_000, logMaxFiles: 2, stopGraceMs: 5_000 },
    ...{ binds: [], port: 9100, reach: 'published', files: [], ...change },
  }
}

function controllerScript(root: string): string {
  const from = (path: string) => JSON.stringify(join(installationDirectory, path))
  return `
    import { openProcessEngine } from ${from('controller/engines/process/engine.ts')}
    const settings = ${JSON.stringify({ ...settingsIn(root), log: undefined })}
    const engine = openProcessEngine({ ...settings, log: { warn: console.error } })
    const spec = ${JSON.stringify(specOf('survivor'))}
    await engine.create(spec, AbortSignal.timeout(10_000))
    await engine.start('survivor', AbortSignal.timeout(10_000))
    console.log('started')
    setInterval(() => {}, 1000)`
}

const soon = (): AbortSignal => AbortSignal.timeout(60_000)

const processOf = (root: string, name: string): { pid: number } => JSON.parse(readFileSync(recordOf(root, name), 'utf8')).process

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)

async function kill(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL')
  await until(async () => (isRunning(pid) ? undefined : true))
}

// A zombie has ended: nobody has collected it yet.
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
