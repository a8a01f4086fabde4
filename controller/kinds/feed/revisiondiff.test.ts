import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { feedKey, openStage, type Stage } from '../../simulation/stage.ts'
import { changesBetween } from './revisiondiff.ts'

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
  await stage.pass(60_000)
})
afterEach(() => stage.close())

const changes = (before: number, after: number) => {
  const find = (number: number) => {
    const revision = stage.store.revisions.list(feedKey).find(one => one.number === number)
    if (!revision) throw new Error(`there is no revision ${number}`)
    return revision
  }
  return changesBetween(find(before), find(after))
}

describe('the difference of two revisions', () => {
  it('names each input, and whether a running process takes it over', async () => {
    stage.edit({ instruments: 3, image: 'good-2' })
    await stage.pass(60_000)
    expect(changes(1, 2)).toMatchObject([
      { path: 'image', from: '"sim/good-1:1"', to: '"sim/good-2:1"', takes: 'process' },
      { path: 'imageDigest', takes: 'process' },
      {
        path: 'live.instruments',
        from: '1',
        to: '3',
        added: ['CZCE.AP001', 'CZCE.AP002'],
        removed: [],
        changed: [],
        takes: 'live',
      },
    ])
  })

  it('says of a secret that it is another one, and nothing of what it is', async () => {
    stage.secrets.values = { BROKER_ID: '1', USER_ID: 'u', PASSWORD: 'rotated' }
    await stage.pass(60_000)
    expect(changes(1, 2)).toEqual([
      { path: 'secrets.backup', from: 'one', to: 'another one', takes: 'process' },
      { path: 'secrets.primary', from: 'one', to: 'another one', takes: 'process' },
    ])
  })

  it('stays what it was after the set has been edited again', async () => {
    stage.edit({ instruments: 2 })
    await stage.pass(60_000)
    const before = changes(1, 2)
    stage.edit({ instruments: 5 })
    await stage.pass(60_000)
    expect(changes(1, 2)).toEqual(before)
    expect(changes(2, 1)).toMatchObject([{ path: 'live.instruments', removed: ['CZCE.AP001'] }])
  })

  it('is nothing between a revision and itself', () => {
    expect(changes(1, 1)).toEqual([])
  })
})
