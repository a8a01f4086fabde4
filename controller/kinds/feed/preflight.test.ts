import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStage, type Stage } from '../../simulation/stage.ts'

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
  stage.edit({ gateway: 'ctp' })
})
afterEach(() => stage.close())

const minuteMs = 60_000
const primaryFronts = ['tcp://one:1', 'tcp://two:2']
const conditions = () =>
  Object.fromEntries((stage.status?.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]))
const reasons = () => stage.events.map(({ reason }) => reason)

function killFronts(...addresses: string[]): void {
  for (const address of addresses) stage.deadFronts.add(address)
}

async function serving(): Promise<void> {
  await stage.pass(minuteMs)
  expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
}

describe('a live feed', () => {
  it('is not started while no front of its active account takes a connection, says so once, and starts when one does', async () => {
    killFronts(...primaryFronts)
    await stage.pass(10 * minuteMs)
    expect(stage.workloads()).toEqual([])
    expect(conditions()).toMatchObject({ Ready: 'False PreflightNoGo', Stalled: 'True PreflightNoGo' })
    expect(stage.condition('Ready')?.message).toContain('tcp://one:1 (ECONNREFUSED), tcp://two:2 (ECONNREFUSED)')
    expect(reasons().filter(reason => reason === 'PreflightNoGo')).toHaveLength(1)
    stage.deadFronts.delete('tcp://two:2')
    await serving()
    expect(reasons()).toContain('PreflightGo')
    expect(reasons()).not.toContain('RolloutFailed')
  })

  it('starts with one front of the active account, whatever the fronts of the other do', async () => {
    killFronts('tcp://one:1', 'tcp://three:3')
    await serving()
    expect(reasons()).not.toContain('PreflightNoGo')
  })

  it('is held to the fronts of the account that is declared active', async () => {
    stage.edit({ active: 'backup' })
    killFronts('tcp://three:3')
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Stalled: 'True PreflightNoGo' })
  })

  it('goes by the MD_ADDRESS of the account, where it has one', async () => {
    killFronts(...primaryFronts)
    stage.secrets.others.set('a', { BROKER_ID: '1', USER_ID: 'u', PASSWORD: 'p', MD_ADDRESS: 'tcp://own:1,tcp://own:2' })
    await serving()
  })

  it.each([
    ['without a scheme', 'own.example:1, 10.0.0.2:2', 'tcp://own.example:1 (ECONNREFUSED), tcp://10.0.0.2:2 (ECONNREFUSED)'],
    ['that is empty, by the profile', ' ', 'tcp://one:1 (ECONNREFUSED), tcp://two:2 (ECONNREFUSED)'],
  ])('reads an MD_ADDRESS as its gateway does: one %s', async (_what, address, tried) => {
    killFronts(...primaryFronts, 'tcp://own.example:1', 'tcp://10.0.0.2:2')
    stage.secrets.others.set('a', { BROKER_ID: '1', USER_ID: 'u', PASSWORD: 'p', MD_ADDRESS: address })
    await stage.pass(minuteMs)
    expect(stage.condition('Ready')?.message).toContain(tried)
  })

  it('after a declared stop is refused with a secret that is gone, although its container has it', async () => {
    await serving()
    stage.edit({ state: 'Stopped' })
    await stage.pass(minuteMs)
    stage.secrets.values = undefined
    stage.edit({ state: 'Running' })
    await stage.pass(minuteMs)
    expect(stage.running()).toEqual([])
    expect(conditions()).toMatchObject({ Ready: 'False PreflightNoGo' })
    expect(stage.condition('Ready')?.message).toContain('SecretMissing')
    stage.secrets.values = { BROKER_ID: '1', USER_ID: 'u', PASSWORD: 'p' }
    await serving()
  })

  it('that serves is repaired without a question', async () => {
    await serving()
    killFronts(...primaryFronts)
    await stage.running()[0]?.stop()
    await stage.pass(minuteMs)
    expect(stage.running()).toHaveLength(1)
    expect(reasons()).not.toContain('PreflightNoGo')
  })

  it('is started all the same where pre-flight is advisory', async () => {
    killFronts(...primaryFronts)
    stage.edit({ preflight: 'Advisory' })
    await serving()
  })

  it('that is no go survives the death of the controller, and is stopped or removed as any other', async () => {
    killFronts(...primaryFronts)
    await stage.pass(minuteMs)
    stage.crash()
    await stage.pass(minuteMs)
    expect(reasons().filter(reason => reason === 'PreflightNoGo')).toHaveLength(1)
    stage.edit({ state: 'Stopped' })
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Ready: 'False Stopped', Stopped: 'True Declared' })
    stage.setDeclared(false)
    await stage.pass(minuteMs)
    expect(stage.store.memory.feeds()).toEqual([])
  })
})

it('a feed on a simulator asks no front before its start', async () => {
  stage.edit({ gateway: 'simulator' })
  killFronts(...primaryFronts, 'tcp://three:3')
  await serving()
})
