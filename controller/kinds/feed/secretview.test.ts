import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { transient, waiting } from '../../../crds/contract/fault.ts'
import { openStage, type Stage } from '../../simulation/stage.ts'

// Feeds whose secrets come from a Vault that is away.

let stage: Stage

const minuteMs = 60_000
const away = transient('VaultUnreachable', 'nobody there')
const sealed = waiting('VaultSealed', 'it is sealed')

beforeEach(async () => {
  stage = await openStage()
  stage.edit({ secrets: 'vault', strategy: 'Handover' })
  await stage.pass(minuteMs)
  expect(conditions()).toMatchObject({ Ready: 'True DataFlowing', CredentialsReady: 'True SecretsRead' })
  stage.writes.length = 0
})
afterEach(() => stage.close())

const conditions = () =>
  Object.fromEntries((stage.status?.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]))
const runs = () => stage.running().map(({ name, image }) => `${name} ${image}`)

describe('a Vault that goes away', () => {
  it('leaves a feed Ready with what was read last, and what is declared is carried out', async () => {
    stage.secrets.trouble = away
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing', CredentialsReady: 'False VaultUnreachable' })
    expect(stage.condition('CredentialsReady')?.message).toMatch(/what was read last stays in use/)
    expect(stage.writes).toEqual([])
    stage.edit({ image: 'good-2' })
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r2 sim/good-2:1'])
  })
})

describe.each([
  ['unreachable', away, 'Unknown'],
  ['sealed', sealed, 'False'],
] as const)('a controller that is started while its Vault is %s', (_name, fault, ready) => {
  beforeEach(() => {
    stage.crash()
    stage.secrets.fault = fault
  })

  it('touches nothing that runs, and says so', async () => {
    await stage.pass(2 * minuteMs)
    expect(stage.writes).toEqual([])
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing', CredentialsReady: `False ${fault.reason}` })
    expect(stage.condition('CredentialsReady')?.message).toMatch(/what runs goes on with what it was given/)
  })

  it('carries out what needs no other process', async () => {
    stage.edit({ active: 'backup', instruments: 3 })
    await stage.pass(minuteMs)
    expect(stage.feeds().map(({ active, desired }) => [active, desired.live.instrumentGroups[0]?.instruments.length])).toEqual([
      ['backup', 3],
    ])
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
  })

  it('holds what needs one until it is back', async () => {
    stage.edit({ image: 'good-2' })
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
    expect(conditions()).toMatchObject({ Ready: `${ready} ${fault.reason}`, CredentialsReady: `False ${fault.reason}` })
    expect(stage.writes).toEqual([])
    stage.secrets.fault = undefined
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r2 sim/good-2:1'])
  })

  it('notices a rotation that happened meanwhile', async () => {
    await stage.pass(minuteMs)
    stage.secrets.values = { BROKER_ID: '1', USER_ID: 'u', PASSWORD: 'another' }
    stage.secrets.fault = undefined
    await stage.pass(minuteMs)
    expect(runs()).toEqual(['sim-f-r2 sim/good-1:1'])
  })

  it('does not take a secret of another source for the one before', async () => {
    stage.edit({ secrets: 'env' })
    stage.edit({ secrets: 'vault' })
    expect(conditions()).toMatchObject({ Ready: 'True DataFlowing' })
    stage.secrets.path = 'elsewhere'
    stage.redeclare()
    await stage.pass(minuteMs)
    expect(conditions()).toMatchObject({ Ready: `${ready} ${fault.reason}` })
    expect(runs()).toEqual(['sim-f-r1 sim/good-1:1'])
    expect(stage.writes).toEqual([])
  })
})
