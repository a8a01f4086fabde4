import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asFault } from '../../crds/contract/fault.ts'
import { type Compose, type ComposeCall, openCompose } from './compose.ts'

// What Compose answers is that of 2.26; only the command that says it is a stand-in.

let folder: string
let calls: ComposeCall[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'feedplane-compose-'))
  calls = []
})
afterEach(() => rmSync(folder, { recursive: true }))

const engine = { endpoint: 'unix:///var/run/docker.sock' }
const declaration = { project: 'p', files: ['/c/base.yml'] }
const soon = () => AbortSignal.timeout(20_000)
const everything = { timeoutMs: 20_000, signal: new AbortController().signal }

function open(path = `${folder}:/usr/bin:/bin`): Compose {
  return openCompose({ environment: { PATH: path }, dockerConfigFile: undefined, onCall: call => void calls.push(call) })
}

/** The docker command is one that does this. */
function docker(script: string): Compose {
  writeFileSync(join(folder, 'docker'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(folder, 'docker'), 0o755)
  return open()
}

/** The docker command says this, on standard error, and fails. */
function failing(words: string): Compose {
  writeFileSync(join(folder, 'words'), `time="2026-01-05T09:00:00Z" level=warning msg="no such host"\n${words}\n`)
  return docker(`cat ${join(folder, 'words')} >&2; exit 1`)
}

/** `CLASS REASON` of what it rejects with. */
async function faultOf(call: Promise<unknown>): Promise<string> {
  const { class: faultClass, reason } = await call.then(() => Promise.reject(new Error('it did not fail')), asFault)
  return `${faultClass} ${reason}`
}

const up = (compose: Compose, { timeoutMs, signal } = everything) => compose.up(engine, declaration, ['web'], timeoutMs, signal)

describe('the version of Compose', () => {
  it.each([
    ['2.24.0', '2.24.0'],
    ['v2.26.1-4', '2.26.1-4'],
    ['3.0', '3.0'],
  ])('%s is new enough', async (text, version) => {
    expect(await docker(`echo ${text}`).version(soon())).toBe(version)
  })

  it.each(['2.23.3', '1.29.2', 'unknown'])('%s is too old', async text => {
    expect(await faultOf(docker(`echo ${text}`).version(soon()))).toBe('stalled ComposeTooOld')
  })

  it.each([
    "docker: 'compose' is not a docker command.",
    'docker: unknown command: docker compose',
    'unknown flag: --short\n\nUsage:  docker [OPTIONS] COMMAND [ARG...]',
  ])('cannot be told by a docker command without it: %s', async words => {
    expect(await faultOf(failing(words).version(soon()))).toBe('stalled ComposeMissing')
  })

  it('cannot be told where there is no docker command', async () => {
    const compose = open(folder)
    expect(await faultOf(compose.version(soon()))).toBe('stalled ComposeMissing')
    expect(calls).toEqual([{ name: 'compose version', kind: 'read', failure: 'ComposeMissing' }])
  })
})

describe('declared files', () => {
  it.each([
    ['required variable GREETING is missing a value: say hello', 'ComposeVariableMissing'],
    ['open /c/base.yml: no such file or directory', 'ComposeFileUnreadable'],
    ['validating /c/base.yml: services.bus Additional property imagee is not allowed', 'ComposeFileInvalid'],
    ['no such service: web', 'ServiceUnknown'],
  ])('of which Compose says "%s" are stalled', async (words, reason) => {
    expect(await faultOf(failing(words).services(declaration, soon()))).toBe(`stalled ${reason}`)
  })

  it('are not to blame for an answer that is none', async () => {
    expect(await faultOf(docker('echo "{"').services(declaration, soon()))).toBe('transient ComposeFailed')
    expect(await faultOf(docker('exit 0').services(declaration, soon()))).toBe('transient ComposeFailed')
  })

  it('are not to blame where Compose is not there', async () => {
    expect(await faultOf(open(folder).services(declaration, soon()))).toBe('stalled ComposeMissing')
  })
})

describe('services that are brought up', () => {
  it.each([
    ['dependency failed to start: container p-bus-1 is unhealthy', 'DependencyUnhealthy'],
    ['Error response from daemon: Bind for 127.0.0.1:4222 failed: port is already allocated', 'PortTaken'],
    ['write /var/lib/docker/tmp/x: no space left on device', 'DiskFull'],
    ['Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host', 'ImagePullFailed'],
    ['Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?', 'EngineUnreachable'],
    ['external volume "data" not found', 'ComposeFailed'],
    ['', 'ComposeFailed'],
  ])('of which Compose says "%s" are tried again', async (words, reason) => {
    expect(await faultOf(up(failing(words)))).toBe(`transient ${reason}`)
    expect(calls).toEqual([{ name: 'compose up', kind: 'write', failure: reason }])
  })

  it('take longer than they may', async () => {
    const compose = docker('exec sleep 1000')
    expect(await faultOf(up(compose, { ...everything, timeoutMs: 50 }))).toBe('transient ComposeTimeout')
  })

  it('are left where the controller ends', async () => {
    const compose = docker('exec sleep 1000')
    expect(await faultOf(up(compose, { ...everything, signal: AbortSignal.timeout(50) }))).toBe('transient ComposeFailed')
  })
})
