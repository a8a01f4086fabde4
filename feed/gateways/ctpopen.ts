import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stalled, transient } from '../../crds/contract/fault.ts'
import { CtpGateway, isCtpInUse } from './ctp.ts'
import { isFrontAddress } from './frontaddress.ts'
import type { AccountSecrets } from './gateway.ts'
import type { NapiCtp } from './napictp/surface.ts'

/** Bytes that the binding's buffers take. What is longer it cuts without a word: a front's port, or the end of a password. */
const maxBytes = { front: 63, flowPath: 259, BROKER_ID: 10, USER_ID: 15, PASSWORD: 40 } as const

const packageName = 'napi-ctp'

const shanghaiOffsetMinutes = -480
const zoneFile = '/usr/share/zoneinfo/Asia/Shanghai'

export type CtpOptions = {
  fronts: string[]
  secrets: AccountSecrets
  /** A directory that no other process uses; the library's files go to `ctp/` in it, which is emptied first. Absent: a new temporary one. */
  directory: string | undefined
}

/** What is taken from the process and the machine; given by tests only. */
export type CtpHost = {
  load: () => NapiCtp
  isInUse: () => boolean
  endProcess: () => void
  offsetMinutes: () => number
  hasZone: () => boolean
}

/**
 * The gateway to a CTP front, not yet open. There is one in the life of a process (docs/concepts/ctp.md, 7): asked for another, it
 * ends the session's process, which the supervisor starts anew.
 *
 * Throws a stalled Fault `GatewayUnavailable`, `ZoneWrong`, `FrontInvalid`, `SecretsInvalid` or `FlowPathInvalid`, and the transient
 * `ProcessEnding` for another.
 */
export function openCtpGateway({ fronts, secrets, directory }: CtpOptions, host: Partial<CtpHost> = {}): CtpGateway {
  const { load, isInUse, endProcess, offsetMinutes, hasZone } = { ...thisHost, ...host }
  if (isInUse()) {
    endProcess()
    throw transient('ProcessEnding', 'a new connection to a CTP front takes a new process: this one ends')
  }
  const module = load()
  checkClock(offsetMinutes(), hasZone())
  for (const front of fronts) checkFront(front)
  checkSecrets(secrets)
  return new CtpGateway({ module, flowPath: makeFlowPath(directory), fronts })
}

const thisHost: CtpHost = {
  load: () => loadNapiCtp(),
  isInUse: isCtpInUse,
  // The end of the channel to the supervisor is the end of a session, which flushes what it has published.
  endProcess: () => process.disconnect?.(),
  offsetMinutes: () => new Date().getTimezoneOffset(),
  hasZone: () => existsSync(zoneFile),
}

/**
 * The package from beside this installation, as Node finds any package. Loaded in one go, not by `import()`, so that a gateway
 * that cannot be had is refused before it is opened. `from` is for tests.
 */
export function loadNapiCtp(from: string = import.meta.url): NapiCtp {
  const module = required(from)
  if (typeof module?.MarketData === 'function') return module as NapiCtp
  throw stalled(
    'GatewayUnavailable',
    'the package napi-ctp has no class MarketData: version 0.5.2 is the one that is known to fit',
  )
}

function required(from: string): Partial<NapiCtp> | undefined {
  try {
    return createRequire(from)(packageName) as Partial<NapiCtp>
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const isAbsent = code === 'MODULE_NOT_FOUND' && message.includes(`'${packageName}'`)
    const what = isAbsent ? absent : `the package napi-ctp does not load: ${message.split('\n', 1)[0]}`
    throw stalled('GatewayUnavailable', what, error)
  }
}

const absent =
  'the ctp gateway needs the optional package napi-ctp, which is not installed here: build the feed image with the build argument ' +
  'NAPI_CTP (npm run images -- --napi-ctp SPEC; docs/concepts/ctp.md)'

// Node has zones of its own; the binding dates ticks with the C library's, which takes a zone that it does not find for UTC.
function checkClock(offsetMinutes: number, hasZone: boolean): void {
  if (offsetMinutes !== shanghaiOffsetMinutes) {
    throw stalled('ZoneWrong', 'the ctp gateway needs TZ=Asia/Shanghai: the binding dates ticks by the process’ time zone')
  }
  if (!hasZone) throw stalled('ZoneWrong', `the system lacks ${zoneFile}, by which the binding dates ticks: install tzdata`)
}

function checkFront(front: string): void {
  if (!isFrontAddress(front))
    throw stalled('FrontInvalid', `front ${front}: write a front as tcp://HOST:PORT, PORT from 1 to 65535`)
  if (Buffer.byteLength(front) > maxBytes.front) {
    throw stalled('FrontInvalid', `front ${front}: the binding takes ${maxBytes.front} bytes of an address and cuts the rest`)
  }
}

function checkSecrets(secrets: AccountSecrets): void {
  for (const key of ['BROKER_ID', 'USER_ID', 'PASSWORD'] as const) {
    if (Buffer.byteLength(secrets[key]) <= maxBytes[key]) continue
    throw stalled(
      'SecretsInvalid',
      `${key} is longer than the ${maxBytes[key]} bytes that CTP takes: correct the account's secrets`,
    )
  }
}

// The library puts the path before its files' names, so it ends with a slash; it does not create it. What a killed process left there is of no use.
function makeFlowPath(directory: string = mkdtempSync(join(tmpdir(), 'feedplane-'))): string {
  const flowPath = join(directory, 'ctp/')
  if (Buffer.byteLength(flowPath) > maxBytes.flowPath) {
    throw stalled('FlowPathInvalid', `the library takes ${maxBytes.flowPath} bytes of a path: ${flowPath} is longer`)
  }
  rmSync(flowPath, { recursive: true, force: true })
  mkdirSync(flowPath, { recursive: true, mode: 0o700 })
  return flowPath
}
