import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { transient } from '../../../crds/contract/fault.ts'
import { feedKey, imageReference, openStage, type Stage } from '../../simulation/stage.ts'

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})
afterEach(() => stage.close())

const minuteMs = 60_000
const network = 'feedplane'
const h1 = () => {
  const engine = stage.engines.get('sim/h1')
  if (!engine) throw new Error('there is no host h1')
  return engine
}
const runs = () => stage.running().map(({ name }) => name)
const told = (wanted: string) => stage.events.filter(({ reason }) => reason === wanted)

describe('the network of a feed that is deleted', () => {
  beforeEach(async () => {
    await stage.pass(minuteMs)
    expect([...h1().networks]).toEqual([[network, stage.store.installation.id]])
  })

  it('goes with it', async () => {
    stage.setDeclared(false)
    await stage.pass(minuteMs)
    expect(stage.workloads()).toEqual([])
    expect([...h1().networks]).toEqual([])
    expect(stage.store.memory.feeds()).toEqual([])
  })

  it('goes with it too where the controller dies before it has gone', async () => {
    stage.setDeclared(false)
    await stage.pass(1)
    stage.dieAt(1, 'before')
    await stage.pass(minuteMs)
    expect([...h1().networks]).toEqual([])
  })

  it('stays where something else is on it', async () => {
    h1().addStranger('somebody-else').spec.network = network
    stage.setDeclared(false)
    await stage.pass(minuteMs)
    expect([...h1().networks.keys()]).toEqual([network])
    expect(stage.store.memory.feeds()).toEqual([])
  })

  it('stays where somebody else has made it', async () => {
    h1().networks.set(network, 'somebody else')
    stage.setDeclared(false)
    await stage.pass(minuteMs)
    expect([...h1().networks.keys()]).toEqual([network])
  })
})

describe('the network of a feed that moves to another host', () => {
  const networks = (host: string) => [...(stage.engines.get(`sim/${host}`)?.networks.keys() ?? [])]
  const releases = () => stage.writes.filter(name => name.startsWith('release network'))

  beforeEach(() => stage.pass(minuteMs))

  it('goes from the old one once nothing is left there, and comes back with the feed', async () => {
    stage.edit({ host: 'h2' })
    await stage.pass(minuteMs)
    expect([networks('h1'), networks('h2')]).toEqual([[], [network]])
    expect(stage.status?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }))
    stage.edit({ host: 'h1' })
    await stage.pass(minuteMs)
    expect([networks('h1'), networks('h2')]).toEqual([[network], []])
  })

  it('stays where something else is on it, and is asked about once', async () => {
    h1().addStranger('somebody-else').spec.network = network
    stage.edit({ host: 'h2' })
    await stage.pass(10 * minuteMs)
    expect([networks('h1'), releases().length]).toEqual([[network], 1])
  })

  it('goes where the engine would not let it go at first', async () => {
    const { releaseNetwork } = h1()
    h1().releaseNetwork = async () => Promise.reject(transient('EngineError', 'not now'))
    stage.edit({ host: 'h2' })
    await stage.pass(minuteMs)
    expect(told('ReleaseNetworkFailed').length).toBeGreaterThan(0)
    h1().releaseNetwork = releaseNetwork
    await stage.pass(10 * minuteMs)
    expect(networks('h1')).toEqual([])
  })

  it('keeps no failover waiting', async () => {
    h1().releaseNetwork = async () => Promise.reject(transient('EngineError', 'not now'))
    stage.edit({ host: 'h2' })
    await stage.pass(minuteMs)
    stage.edit({ active: 'backup' })
    await stage.pass(minuteMs)
    expect(stage.feeds()[0]?.gate?.account).toBe('backup')
  })
})

describe('a feed with deletionPolicy: Orphan', () => {
  beforeEach(async () => {
    stage.edit({ deletionPolicy: 'Orphan' })
    await stage.pass(minuteMs)
    stage.writes.length = 0
  })

  it('is left as it is when it is no longer declared, says so once, and has no status', async () => {
    stage.setDeclared(false)
    await stage.pass(10 * minuteMs)
    expect(stage.writes).toEqual([])
    expect(runs()).toEqual(['sim-f-r1'])
    expect(stage.feeds()[0]?.isPublishing).toBe(true)
    expect(told('Orphaned').map(({ message }) => message)).toEqual([expect.stringContaining('sim-f-r1 stays as it is')])
    expect(stage.status).toBeUndefined()
  })

  it('stays so whatever becomes of it, over restarts of the controller, and is forgotten when somebody has removed it', async () => {
    stage.setDeclared(false)
    await stage.pass(minuteMs)
    stage.workloads()[0]?.kill()
    await stage.pass(minuteMs)
    await stage.workloads()[0]?.stop()
    stage.crash()
    await stage.pass(minuteMs)
    expect(stage.writes).toEqual([])
    expect(stage.workloads().map(({ name, state }) => `${name} ${state}`)).toEqual(['sim-f-r1 stopped'])
    h1().workloads.clear()
    await stage.pass(minuteMs)
    expect(stage.store.memory.feeds()).toEqual([])
  })

  it('is left where its host was away when it was deleted', async () => {
    h1().isAway = true
    stage.setDeclared(false)
    await stage.pass(minuteMs)
    h1().isAway = false
    await stage.pass(minuteMs)
    expect(stage.writes).toEqual([])
    expect(runs()).toEqual(['sim-f-r1'])
  })

  it('is left although it was suspended all the time', async () => {
    stage.setDeclared(false)
    h1().workloads.clear()
    await stage.pass(minuteMs)
    stage.edit({ deletionPolicy: 'Delete' })
    stage.setDeclared(true)
    await stage.pass(minuteMs)
    stage.edit({ suspend: true, deletionPolicy: 'Orphan' })
    await stage.pass(minuteMs)
    stage.writes.length = 0
    stage.setDeclared(false)
    await stage.pass(minuteMs)
    expect(stage.writes).toEqual([])
    expect(runs()).toHaveLength(1)
  })

  it('is taken over when it is declared again, without a new process', async () => {
    const [before] = stage.workloads()
    stage.setDeclared(false)
    await stage.pass(minuteMs)
    stage.setDeclared(true)
    await stage.pass(minuteMs)
    expect(stage.workloads()).toEqual([before])
    expect(stage.condition('Ready')).toMatchObject({ status: 'True' })
    stage.edit({ deletionPolicy: 'Delete' })
    await stage.look()
    stage.setDeclared(false)
    await stage.pass(minuteMs)
    expect(stage.workloads()).toEqual([])
    expect(stage.store.memory.get(feedKey)).toBeUndefined()
  })
})

describe('a feed that is declared again', () => {
  it('asks the registry again for an image that was not there before it was deleted', async () => {
    stage.edit({ image: 'missing' })
    await stage.pass(minuteMs)
    expect(stage.condition('Ready')).toMatchObject({ status: 'False', reason: 'ImageNotFound' })
    stage.setDeclared(false)
    await stage.pass(minuteMs)
    expect(stage.store.memory.feeds()).toEqual([])
    stage.registry.add(imageReference('missing'))
    stage.setDeclared(true)
    await stage.pass(minuteMs)
    expect(stage.condition('Ready')).toMatchObject({ status: 'True', reason: 'DataFlowing' })
  })
})
