import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CtpGateway } from './ctp.ts'
import { type CtpHost, type CtpOptions, loadNapiCtp, openCtpGateway } from './ctpopen.ts'
import { MarketData } from './napictp/standin.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(realpathSync(tmpdir()), 'feedplane-ctp-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('openCtpGateway', () => {
  const secrets = { BROKER_ID: '9999', USER_ID: 'alice', PASSWORD: 'any' }
  const open = (options: Partial<CtpOptions> = {}, host: Partial<CtpHost> = {}) =>
    openCtpGateway(
      { fronts: ['tcp://127.0.0.1:1'], secrets, directory, ...options },
      { load: () => ({ MarketData }), isInUse: () => false, offsetMinutes: () => -480, hasZone: () => true, ...host },
    )
  const stalled = (reason: string, part: string) =>
    expect.objectContaining({ class: 'stalled', reason, message: expect.stringContaining(part) })

  it('makes a directory for the library that only its user can read', () => {
    expect(open({ directory: join(directory, 'state/primary') })).toBeInstanceOf(CtpGateway)
    expect(statSync(join(directory, 'state/primary/ctp')).mode & 0o777).toBe(0o700)
  })

  it('refuses a front that the binding would cut, so that no other port is called', () => {
    const front = (bytes: number) => `tcp://${'h'.repeat(bytes - 'tcp://:41213'.length)}:41213`
    expect(open({ fronts: [front(63)] })).toBeInstanceOf(CtpGateway)
    expect(() => open({ fronts: ['tcp://127.0.0.1:1', front(64)] })).toThrow(stalled('FrontInvalid', '63 bytes'))
    expect(() => open({ fronts: ['127.0.0.1:1'] })).toThrow(stalled('FrontInvalid', 'tcp://HOST:PORT'))
  })

  it('refuses a password that the binding would cut, so that no wrong one is sent', () => {
    expect(open({ secrets: { ...secrets, PASSWORD: 'p'.repeat(40) } })).toBeInstanceOf(CtpGateway)
    const open41 = () => open({ secrets: { ...secrets, PASSWORD: 'p'.repeat(41) } })
    expect(open41).toThrow(stalled('SecretsInvalid', 'PASSWORD is longer than the 40 bytes'))
    expect(open41).not.toThrow('ppp')
    expect(() => open({ secrets: { ...secrets, USER_ID: 'u'.repeat(16) } })).toThrow(stalled('SecretsInvalid', 'USER_ID'))
    expect(() => open({ secrets: { ...secrets, BROKER_ID: 'b'.repeat(11) } })).toThrow(stalled('SecretsInvalid', 'BROKER_ID'))
  })

  it('refuses a path that the binding would cut', () => {
    expect(() => open({ directory: join(directory, 'd'.repeat(250)) })).toThrow(stalled('FlowPathInvalid', '259 bytes'))
  })

  it('needs the exchanges’ time zone, and the system’s data for it', () => {
    expect(() => open({}, { offsetMinutes: () => 0 })).toThrow(stalled('ZoneWrong', 'TZ=Asia/Shanghai'))
    expect(() => open({}, { hasZone: () => false })).toThrow(stalled('ZoneWrong', 'install tzdata'))
  })

  it('ends the process when one has been opened in it, and opens no other', () => {
    const ends: string[] = []
    const another = () => open({}, { isInUse: () => true, endProcess: () => ends.push('end'), load: () => expect.unreachable() })
    expect(another).toThrow(expect.objectContaining({ class: 'transient', reason: 'ProcessEnding' }))
    expect(ends).toEqual(['end'])
  })
})

describe('loadNapiCtp', () => {
  const install = (source: string) => {
    const place = join(directory, 'node_modules/napi-ctp')
    mkdirSync(place, { recursive: true })
    writeFileSync(join(place, 'package.json'), '{"name": "napi-ctp", "type": "module", "main": "index.js"}')
    writeFileSync(join(place, 'index.js'), source)
    return join(directory, 'main.js')
  }
  const unavailable = (part: string) =>
    expect.objectContaining({ class: 'stalled', reason: 'GatewayUnavailable', message: expect.stringContaining(part) })

  it('says how an image gets the package where it is absent', () => {
    expect(() => loadNapiCtp(join(directory, 'main.js'))).toThrow(unavailable('build argument NAPI_CTP'))
  })

  it('loads the package that is installed beside the installation', () => {
    const { MarketData: loaded } = loadNapiCtp(install('export class MarketData { static mark = "beside" }'))
    expect(loaded).toHaveProperty('mark', 'beside')
  })

  it('says that a package is there which does not load, and why', () => {
    const from = install(`throw new Error("Cannot find module 'napi_ctp.node'")`)
    expect(() => loadNapiCtp(from)).toThrow(unavailable("does not load: Cannot find module 'napi_ctp.node'"))
  })

  it('says that a package is another than the one it knows', () => {
    expect(() => loadNapiCtp(install('export const createMarketData = 1'))).toThrow(unavailable('no class MarketData'))
  })

  it('does not take a part that is missing for an absent package', () => {
    const from = install('import "./gone.js"')
    expect(() => loadNapiCtp(from)).toThrow(unavailable('does not load'))
  })
})
