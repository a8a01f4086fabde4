import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { feedKey, imageReference, openStage, type Stage } from '../../simulation/stage.ts'

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
  stage.present.add(imageReference('good-2'))
})
afterEach(() => stage.close())

/** Rolls another image out; the most containers that ran at a time meanwhile. */
async function rollOut(): Promise<number> {
  await stage.pass(30_000)
  stage.edit({ image: 'good-2' })
  let most = 0
  await stage.pass(30_000, () => {
    most = Math.max(most, stage.running().length)
  })
  expect(stage.status).toMatchObject({ revision: 2 })
  return most
}

describe('the strategy of a rollout', () => {
  it('is Handover by itself where every account allows two logins', async () => {
    stage.edit({ strategy: undefined, logins: 2 })
    expect(await rollOut()).toBe(2)
    const why = 'Credentials a and b allow two logins at a time'
    expect(stage.status).toMatchObject({ strategy: 'Handover', strategyReason: why })
    const started = stage.events.filter(({ reason }) => reason === 'RolloutStarted').at(-1)
    expect(started?.message).toContain(`by Handover: ${why}`)
  })

  it('is Recreate by itself where an account allows one, which is never logged in twice', async () => {
    stage.edit({ strategy: undefined, logins: 1 })
    expect(await rollOut()).toBe(1)
    expect(stage.status).toMatchObject({ strategy: 'Recreate', strategyReason: 'Credentials a allow one login at a time' })
  })

  it('is what is declared where the accounts allow more', async () => {
    stage.edit({ strategy: 'Recreate', logins: 2 })
    expect(await rollOut()).toBe(1)
    expect(stage.status).toMatchObject({ strategy: 'Recreate', strategyReason: 'rollout.strategy says so' })
  })

  it('does not log an account in twice by force', async () => {
    stage.edit({ strategy: 'Handover', logins: 1 })
    expect(await rollOut()).toBe(1)
    expect(stage.status).toMatchObject({ strategy: 'Recreate', strategyReason: 'Credentials a allow one login at a time' })
  })

  it('looks only at the accounts that the feed uses', async () => {
    stage.edit({ strategy: undefined, backup: false, logins: 2 })
    expect(await rollOut()).toBe(2)
    expect(stage.status?.strategyReason).toBe('Credentials a allow two logins at a time')
  })

  it('says of a first rollout that there is nothing to hand over', async () => {
    stage.edit({ strategy: undefined, logins: 2 })
    for (let i = 0; stage.store.memory.get(feedKey)?.rollout?.phase !== 'proving'; i++) {
      expect(i).toBeLessThan(200)
      await stage.pass(5)
    }
    expect(stage.status).toMatchObject({ strategy: 'Recreate', strategyReason: 'nothing runs that could hand over' })
  })

  it('stays what it was decided to be while the rollout goes on', async () => {
    stage.edit({ strategy: undefined, logins: 2 })
    await stage.pass(30_000)
    stage.edit({ image: 'good-2' })
    for (let i = 0; stage.status?.phase !== 'rehearsing'; i++) {
      expect(i).toBeLessThan(200)
      await stage.pass(5)
    }
    stage.edit({ logins: 1 })
    await stage.look()
    expect(stage.status).toMatchObject({ phase: 'rehearsing', strategy: 'Handover' })
    await stage.pass(30_000)
    expect(stage.status).toMatchObject({ revision: 2, strategy: 'Recreate' })
  })
})
