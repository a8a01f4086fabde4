import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Fault } from '../../crds/contract/fault.ts'
import { type Engine, labels, type Workload, type WorkloadSpec } from './engine.ts'

/** An engine under test and what the suite needs to know of its world. */
export type Subject = {
  engine: Engine
  /** Reference of the stand-in image: `MODE` is serve, crash, exhaust or stubborn. */
  image: string
  /** Begins every name, so that one run does not meet another's. */
  prefix: string
  installation: string
  network: string
  project: string
  /** User that the files must belong to. */
  uid: number
  /** Makes something that runs or could run, without our labels; answers what must stay as it is. */
  stranger(name: string): Promise<() => Promise<string>>
  /** Networks, as a hand beside ours sees them; absent where the engine has none. */
  networks?: {
    exists(name: string): Promise<boolean>
    /** Makes one that is not ours. */
    make(name: string): Promise<void>
    disconnect(workload: string, network: string): Promise<void>
  }
  /** Every text in which a secret of a running workload could show: inspection, arguments, environment, labels. */
  exposure(name: string): Promise<string>
  close(): Promise<void>
}

const waitMs = 20_000
const canary = 'canary-5f3a9c'

/** Holds an engine to every promise of `engine.ts`. */
export function holdsPromises(name: string, open: () => Promise<Subject>): void {
  describe(`${name} engine`, () => {
    let subject: Subject
    let engine: Engine
    beforeAll(async () => {
      subject = await open()
      engine = subject.engine
    })
    afterAll(() => subject?.close())

    const specOf = (short: string, change: Partial<WorkloadSpec> = {}): WorkloadSpec => ({
      name: `${subject.prefix}-${short}`,
      image: subject.image,
      labels: {
        [labels.owner]: `Feed/test/${short}`,
        [labels.revision]: '1',
        [labels.specDigest]: 'v1:0123',
        [labels.installation]: subject.installation,
      },
      project: subject.project,
      service: short,
      network: subject.network,
      env: {},
      memoryBytes: 128 * 1024 * 1024,
      pidsLimit: 64,
      logMaxBytes: 1024 * 1024,
      logMaxFiles: 2,
      stopGraceMs: 10_000,
      binds: [],
      port: 9100,
      reach: 'published',
      files: [
        { path: 'desired.json', content: '{"version":1}' },
        { path: 'secrets/primary/PASSWORD', content: canary },
      ],
      ...change,
    })
    const made = async (short: string, change: Partial<WorkloadSpec> = {}): Promise<string> => {
      const spec = specOf(short, change)
      await engine.create(spec, soon())
      return spec.name
    }
    const started = async (short: string, change: Partial<WorkloadSpec> = {}): Promise<string> => {
      const workload = await made(short, change)
      await engine.start(workload, soon())
      if (!['crash', 'exhaust'].includes(change.env?.MODE ?? '')) await ready(workload)
      return workload
    }
    const ready = (workload: string): Promise<unknown> =>
      until(async () => (await engine.logs(workload, 100, soon())).includes('ready') || undefined)
    const seen = async (workload: string): Promise<Workload> => {
      const found = await engine.inspect(workload, soon())
      if (found === undefined) throw new Error(`${workload} is not there`)
      return found
    }
    const becomes = (workload: string, wanted: (found: Workload) => boolean): Promise<Workload> =>
      until(async () => [await seen(workload)].find(wanted))

    it('says what its clock shows', async () => {
      const before = Date.now()
      const shown = await engine.clock(soon())
      if (engine.type === 'docker') expect(Math.abs(shown - before)).toBeLessThan(60_000)
      else expect(shown).toBeGreaterThan(0)
    })

    it('says its version', async () => {
      expect(await engine.version(soon())).toMatch(/^(Docker|Node) v?\d+\.\d+/)
    })

    it('finds an image by reference and by digest, and an unknown one not', async () => {
      const image = await engine.findImage(subject.image, soon())
      expect(image?.digest).toMatch(/sha256:[0-9a-f]{64}$/)
      expect((await engine.findImage(image?.digest ?? '', soon()))?.digest).toBe(image?.digest)
      expect(await engine.findImage('feedplane.invalid/none:1', soon())).toBeUndefined()
    })

    it('creates a stopped workload that carries its labels, and lists it', async () => {
      const spec = specOf('create')
      const id = await engine.create(spec, soon())
      const found = await seen(spec.name)
      expect(found).toMatchObject({
        id,
        name: spec.name,
        owner: 'Feed/test/create',
        state: 'created',
        restarts: 0,
        image: spec.image,
      })
      expect(found).toMatchObject({ labels: spec.labels, exitCode: undefined, endpoint: undefined, outOfMemory: false })
      expect(await engine.inspect(id, soon())).toEqual(found)
      expect(await engine.list(soon())).toContainEqual(found)
    })

    it('creates from a digest', async () => {
      const image = (await engine.findImage(subject.image, soon()))?.digest ?? ''
      expect(await seen(await started('by-digest', { image }))).toMatchObject({ image, state: 'running' })
    })

    it('refuses a name that its owner holds already as AlreadyExists, and another owner as NameTaken', async () => {
      const name = await made('taken')
      await expect(engine.create(specOf('taken'), soon())).rejects.toMatchObject({ class: 'transient', reason: 'AlreadyExists' })
      const other = specOf('other', { name })
      await expect(engine.create(other, soon())).rejects.toMatchObject({ class: 'stalled', reason: 'NameTaken' })
      await expect(engine.create(other, soon())).rejects.toThrow('Feed/test/taken')
      expect((await seen(name)).owner).toBe('Feed/test/taken')
    })

    it('lets one of two creations of a name win', async () => {
      const outcomes = await Promise.allSettled([1, 2].map(() => engine.create(specOf('race'), soon())))
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      const lost = outcomes.find(outcome => outcome.status === 'rejected')
      expect(lost?.reason).toMatchObject({ class: 'transient', reason: 'AlreadyExists' })
      const all = (await engine.list(soon())).filter(({ owner }) => owner === 'Feed/test/race')
      expect(all.map(({ name }) => name)).toEqual([`${subject.prefix}-race`])
    })

    it('creates anew after a removal, with nothing of the one before', async () => {
      const name = await started('again')
      await engine.remove(name, soon())
      expect(await engine.inspect(name, soon())).toBeUndefined()
      await started('again', { files: [{ path: 'token', content: 'x' }] })
      const lines = await engine.logs(name, 100, soon())
      expect(lines).toContain(' token\n')
      expect(lines).not.toContain('desired.json')
    })

    it('refuses what it could not or should not run as InvalidSpec', async () => {
      const changes: Partial<WorkloadSpec>[] = [
        { name: '../etc' },
        { labels: {} },
        { files: [{ path: '../up', content: '' }] },
        { files: [{ path: '/etc/passwd', content: '' }] },
        { files: [{ path: 'state/epoch', content: '' }] },
        { env: { 'A=B': '' } },
        { memoryBytes: 1 },
        { pidsLimit: 0 },
        { binds: [{ source: '/', target: '/host' }] },
      ]
      for (const change of changes) {
        await expect(engine.create(specOf('invalid', change), soon())).rejects.toMatchObject({
          class: 'stalled',
          reason: 'InvalidSpec',
        })
      }
      expect((await engine.list(soon())).filter(({ owner }) => owner === 'Feed/test/invalid')).toEqual([])
    })

    it('says ImageMissing where the image is gone by the time of creation', async () => {
      const gone = specOf('no-image', { image: `sha256:${'0'.repeat(64)}` })
      await expect(engine.create(gone, soon())).rejects.toMatchObject({ class: 'transient', reason: 'ImageMissing' })
      expect(await engine.inspect(gone.name, soon())).toBeUndefined()
    })

    it('puts files at 0400 in directories of 0700, owned by the user that the workload runs as', async () => {
      const logs = await engine.logs(await started('files'), 100, soon())
      const { uid } = subject
      expect(logs).toContain(`file 400 ${uid} desired.json\n`)
      expect(logs).toContain(`file 700 ${uid} secrets\n`)
      expect(logs).toContain(`file 700 ${uid} secrets/primary\n`)
      expect(logs).toContain(`file 400 ${uid} secrets/primary/PASSWORD\n`)
      expect(logs).toContain(`file 700 ${uid} state\n`)
    })

    it('keeps the content of files out of inspection, arguments, environment, labels and logs', async () => {
      const name = await started('canary')
      const texts = [
        await subject.exposure(name),
        JSON.stringify(await engine.list(soon())),
        await engine.logs(name, 1000, soon()),
      ]
      expect(texts.join('\n')).toContain(name)
      expect(texts.join('\n')).not.toContain(canary)
    })

    it('replaces files of a running workload', async () => {
      const name = await started('rewrite')
      await engine.writeFiles(name, [{ path: 'desired.json', content: '{"version":1,"later":true}' }], soon())
      await engine.stop(name, soon())
      await engine.writeFiles(name, [{ path: 'secrets/backup/PASSWORD', content: 'later' }], soon())
      await engine.start(name, soon())
      await until(async () => (await engine.logs(name, 100, soon())).includes('secrets/backup/PASSWORD') || undefined)
      expect(await engine.logs(name, 100, soon())).toContain(`file 400 ${subject.uid} secrets/backup/PASSWORD\n`)
    })

    it('does nothing where there is nothing to do', async () => {
      const name = await started('idempotent')
      const { startedAt } = await seen(name)
      await engine.start(name, soon())
      await engine.rename(name, name, soon())
      expect(await seen(name)).toMatchObject({ startedAt, state: 'running' })
      await engine.stop(name, soon())
      await engine.stop(name, soon())
      expect(await seen(name)).toMatchObject({ state: 'stopped', endpoint: undefined })
      await engine.remove(name, soon())
      await engine.remove(name, soon())
      expect(await engine.inspect(name, soon())).toBeUndefined()
    })

    it('starts again what it stopped', async () => {
      const name = await started('restart')
      await engine.stop(name, soon())
      await engine.start(name, soon())
      expect(await seen(name)).toMatchObject({ state: 'running', restarts: 0, exitCode: undefined })
    })

    it('tells the endpoint and the time of its start while it runs', async () => {
      const before = Date.now()
      const name = await started('endpoint')
      const { endpoint, startedAt = 0 } = await becomes(name, found => found.endpoint !== undefined)
      expect(endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
      expect(Math.abs(startedAt - before)).toBeLessThan(60_000)
    })

    it('kills what ignores SIGTERM once its grace time is over', async () => {
      const name = await started('stubborn', { env: { MODE: 'stubborn' }, stopGraceMs: 1_000 })
      await engine.stop(name, soon())
      expect(await seen(name)).toMatchObject({ state: 'stopped', exitCode: 137 })
    })

    it('restarts what crashes, counts it, and stops doing so when told', async () => {
      const name = await started('crash', { env: { MODE: 'crash' } })
      const found = await becomes(name, ({ restarts }) => restarts >= 2)
      expect(['restarting', 'running']).toContain(found.state)
      expect((await becomes(name, ({ state }) => state === 'restarting')).exitCode).toBe(3)
      await engine.stop(name, soon())
      const stopped = await seen(name)
      expect(stopped.state).toBe('stopped')
      // 143: the stop met a new life that had just begun.
      expect([3, 143]).toContain(stopped.exitCode)
      await engine.remove(name, soon())
      expect(await engine.inspect(name, soon())).toBeUndefined()
    })

    it('tells that memory ran out from another crash', async () => {
      const name = await started('exhaust', { env: { MODE: 'exhaust' }, memoryBytes: 48 * 1024 * 1024 })
      const found = await becomes(name, ({ state }) => state === 'restarting')
      expect(found).toMatchObject({ outOfMemory: true, exitCode: expect.toBeOneOf([134, 137]) })
      await engine.stop(name, soon())
    })

    it('renames what runs, and gives the old name to another', async () => {
      const name = await started('old')
      const { id, startedAt } = await seen(name)
      await engine.rename(name, `${name}-kept`, soon())
      expect(await engine.inspect(name, soon())).toBeUndefined()
      expect(await seen(`${name}-kept`)).toMatchObject({ id, startedAt, state: 'running', name: `${name}-kept` })
      await started('old')
      expect((await seen(name)).id).not.toBe(id)
      await expect(engine.rename(name, `${name}-kept`, soon())).rejects.toMatchObject({ reason: 'AlreadyExists' })
      await engine.remove(`${name}-kept`, soon())
      expect((await seen(name)).state).toBe('running')
    })

    it('tells of a workload that somebody has taken from its network, and joins it again while it runs', async () => {
      const name = await started('connect')
      const { id, startedAt } = await becomes(name, found => found.endpoint !== undefined)
      expect((await seen(name)).lostNetwork).toBeUndefined()
      await subject.networks?.disconnect(name, subject.network)
      if (subject.networks) expect(await seen(name)).toMatchObject({ lostNetwork: subject.network, endpoint: undefined })
      await engine.connect(name, soon())
      await engine.connect(name, soon())
      const { lostNetwork, ...joined } = await becomes(name, found => found.endpoint !== undefined)
      expect(lostNetwork).toBeUndefined()
      expect(joined).toMatchObject({ id, startedAt, state: 'running', restarts: 0 })
    })

    it('removes a network of its own once nothing is on it, and never another one', async () => {
      const { networks } = subject
      const [own, theirs] = [`${subject.prefix}-own`, `${subject.prefix}-theirs`]
      await networks?.make(theirs)
      const first = await made('on-own', { network: own })
      const second = await made('on-theirs', { network: theirs })
      const release = async () => {
        for (const network of [own, theirs, `${subject.prefix}-nowhere`]) await engine.releaseNetwork(network, soon())
        return networks && [await networks.exists(own), await networks.exists(theirs)]
      }
      expect(await release()).toEqual(networks && [true, true])
      for (const name of [first, second]) await engine.remove(name, soon())
      expect(await release()).toEqual(networks && [false, true])
    })

    it('never writes to a stranger', async () => {
      const name = `${subject.prefix}-stranger`
      const untouched = await subject.stranger(name)
      const before = await untouched()
      const calls = [
        engine.start(name, soon()),
        engine.stop(name, soon()),
        engine.remove(name, soon()),
        engine.rename(name, `${name}-2`, soon()),
        engine.connect(name, soon()),
        engine.writeFiles(name, [{ path: 'token', content: '' }], soon()),
      ]
      for (const call of await Promise.allSettled(calls)) {
        expect(call).toMatchObject({ status: 'rejected', reason: { class: 'stalled', reason: 'NotOurs' } })
      }
      await expect(engine.create(specOf('stranger'), soon())).rejects.toMatchObject({ class: 'stalled', reason: 'NameTaken' })
      const mine = await made('rival')
      await expect(engine.rename(mine, name, soon())).rejects.toMatchObject({ class: 'stalled', reason: 'NameTaken' })
      expect((await seen(name)).owner).toBeUndefined()
      expect((await engine.list(soon())).map(found => found.name)).not.toContain(name)
      expect(await untouched()).toBe(before)
    })

    it('gives the last lines of standard output and error', async () => {
      const name = await started('logs')
      const lines = (await engine.logs(name, 2, soon())).trimEnd().split('\n')
      expect(lines).toEqual([expect.stringMatching(/^variables /), 'ready'])
      expect(await engine.logs(name, 1000, soon())).toContain('line 1\n')
      expect(await engine.logs(`${subject.prefix}-none`, 10, soon())).toBe('')
    })

    it('hints at each change by name', async () => {
      const names: (string | undefined)[] = []
      const ended = new AbortController()
      const watching = engine.watch(name => names.push(name), ended.signal)
      const hinted = async (name: string | undefined, change: () => Promise<unknown>) => {
        names.length = 0
        await change()
        await until(() => Promise.resolve(names.includes(name) || undefined))
      }
      await hinted(undefined, () => Promise.resolve(names.push(undefined)))
      const name = `${subject.prefix}-watched`
      await hinted(name, () => made('watched'))
      await hinted(name, () => engine.start(name, soon()))
      await hinted(name, () => engine.stop(name, soon()))
      await hinted(`${name}-2`, () => engine.rename(name, `${name}-2`, soon()))
      await hinted(`${name}-2`, () => engine.remove(`${name}-2`, soon()))
      ended.abort()
      await watching
    })

    it('ends each call by its signal, as a transient EngineTimeout', async () => {
      const name = await started('patient', { env: { MODE: 'stubborn' }, stopGraceMs: 3_000 })
      const late = { class: 'transient', reason: 'EngineTimeout' }
      await expect(engine.stop(name, AbortSignal.timeout(100))).rejects.toMatchObject(late)
      await expect(engine.list(AbortSignal.abort())).rejects.toMatchObject(late)
      await expect(engine.create(specOf('never'), AbortSignal.abort())).rejects.toBeInstanceOf(Fault)
      await engine.stop(name, soon())
      expect((await seen(name)).state).toBe('stopped')
    })
  })
}

/** A bound for each call that no passing test comes near. */
const soon = (): AbortSignal => AbortSignal.timeout(60_000)

/** Asks until there is an answer. Throws after 20 s. */
export async function until<T>(probe: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + waitMs
  for (;;) {
    const answer = await probe()
    if (answer !== undefined) return answer
    if (performance.now() > end) throw new Error(`nothing within ${waitMs} ms`)
    await new Promise(resolve => setTimeout(resolve, 25))
  }
}
