import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openGateway } from './open.ts'
import { ReplayGateway } from './replay.ts'
import { SimulatorGateway } from './simulator.ts'

const dataDirectory = fileURLToPath(new URL('../../examples/data', import.meta.url))
const secrets = { BROKER_ID: '9999', USER_ID: 'alice', PASSWORD: 'any' }
const fronts = { primary: ['tcp://127.0.0.1:1'] }

describe('openGateway', () => {
  it('chooses the gateway by its type', () => {
    expect(openGateway({ type: 'simulator', fronts }, 'primary', secrets, { dataDirectory })).toBeInstanceOf(SimulatorGateway)
    const replay = { files: ['ticks/czce-AP010-20200803.csv.gz'], speed: 1, loop: true, skipBreaks: true }
    expect(openGateway({ type: 'replay', replay }, 'primary', secrets, { dataDirectory })).toBeInstanceOf(ReplayGateway)
  })

  it('names the package that a ctp gateway needs', () => {
    expect(() => openGateway({ type: 'ctp', fronts }, 'primary', secrets, { dataDirectory })).toThrow(
      expect.objectContaining({ class: 'stalled', reason: 'GatewayUnavailable', message: expect.stringContaining('napi-ctp') }),
    )
  })

  it('needs a front for the account, from the profile or from the account itself', () => {
    const open = (own: object) => openGateway({ type: 'simulator', fronts }, 'backup', { ...secrets, ...own }, { dataDirectory })
    expect(() => open({})).toThrow(expect.objectContaining({ class: 'stalled', reason: 'FrontMissing' }))
    expect(open({ MD_ADDRESS: '127.0.0.1:2, tcp://127.0.0.1:3' })).toBeInstanceOf(SimulatorGateway)
    for (const address of [
      'http://127.0.0.1:2',
      'tcp://127.0.0.1:2, tcp://127.0.0.1:71010',
      'tcp://a:0',
      'tcp://a<b:1',
      'tcp://a',
    ])
      expect(() => open({ MD_ADDRESS: address })).toThrow(expect.objectContaining({ reason: 'FrontInvalid' }))
  })
})
