import { afterEach, describe, expect, it } from 'vitest'
import { kinds } from '../../crds/kinds.ts'
import { systemClock } from '../runtime/clock.ts'
import { type SimulatedEngine, simulatedEngine } from '../simulation/engine.ts'
import type { Declared } from '../store/declared.ts'
import { labels } from './engine.ts'
import { type EngineRegistry, engineRegistry } from './registry.ts'

const soon = () => AbortSignal.timeout(5000)
let registry: EngineRegistry | undefined
afterEach(() => registry?.close())

function host(project: string): Declared<'Host'> {
  const spec = kinds.Host.spec.parse({ engine: { type: 'docker' }, project })
  return {
    resource: { kind: 'Host', metadata: { name: 'h', namespace: 'test' }, spec },
    generation: 1,
    origin: { file: 'a', line: 1 },
  }
}

function newEngine(): SimulatedEngine {
  const present = new Set(['x'])
  return simulatedEngine({ clock: systemClock, installation: 'i', present, registry: present, program: () => ({}) })
}

const spec = (name: string, owner: string): Parameters<SimulatedEngine['create']>[0] => ({
  ...{
    name,
    image: 'x',
    project: 'p',
    service: 's',
    network: 'n',
    env: {},
    binds: [],
    files: [],
    port: 9100,
    reach: 'published',
  },
  labels: { [labels.owner]: owner, [labels.installation]: 'i' },
  ...{ memoryBytes: 64 * 1024 * 1024, pidsLimit: 16, logMaxBytes: 1, logMaxFiles: 1, stopGraceMs: 1 },
})

function open(make: (host: Declared<'Host'>) => SimulatedEngine) {
  const hints: (string | undefined)[] = []
  const opened = engineRegistry({ open: make, onHint: (_key, owner) => hints.push(owner), onWatchFailed: () => undefined })
  registry = opened
  return { opened, hints }
}

describe('the engines of the hosts', () => {
  it('are opened once, and anew where the host is declared anew', async () => {
    const { opened } = open(newEngine)
    const first = await opened.of(host('a'))
    expect(await opened.of(host('a'))).toBe(first)
    expect(await opened.of(host('b'))).not.toBe(first)
  })

  it('that could not be opened are tried again, and do not bar other settings', async () => {
    let isBroken = true
    const { opened } = open(() => {
      if (isBroken) throw new Error('no certificate')
      return newEngine()
    })
    await expect(opened.of(host('a'))).rejects.toThrow('no certificate')
    await expect(opened.of(host('b'))).rejects.toThrow('no certificate')
    isBroken = false
    await expect(opened.of(host('b'))).resolves.toBeDefined()
  })

  it('answer many that ask at once with one list, and list again after a hint', async () => {
    const engine = newEngine()
    const { opened } = open(() => engine)
    const { workloads } = await opened.of(host('a'))
    expect(workloads(soon())).toBe(workloads(soon()))
    await engine.create(spec('w', 'Feed/test/f'), soon())
    expect((await workloads(soon())).map(({ name }) => name)).toEqual(['w'])
  })

  it('hint at the feed whose workload changed, a new one included, and at nobody for a stranger', async () => {
    const engine = newEngine()
    const { opened, hints } = open(() => engine)
    const { workloads } = await opened.of(host('a'))
    hints.length = 0
    await engine.create(spec('w', 'Feed/test/f'), soon())
    await expect.poll(() => hints).toEqual(['Feed/test/f'])
    engine.addStranger('s')
    await workloads(soon())
    await engine.stop('w', soon())
    await engine.remove('w', soon())
    await expect.poll(() => hints).toEqual(['Feed/test/f', 'Feed/test/f'])
  })

  it('say which of them showed something of an owner when they were listed last', async () => {
    const engine = newEngine()
    const { opened } = open(() => engine)
    const { workloads } = await opened.of(host('a'))
    expect(opened.holding('Feed/test/f')).toEqual([])
    await engine.create(spec('w', 'Feed/test/f'), soon())
    await workloads(soon())
    expect(opened.holding('Feed/test/f')).toEqual(['test/h'])
    expect(opened.holding('Feed/test/g')).toEqual([])
    await engine.remove('w', soon())
    await workloads(soon())
    expect(opened.holding('Feed/test/f')).toEqual([])
  })
})
