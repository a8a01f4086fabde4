// needs: docker, compose
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ResourceEvent, ResourceView } from '../controller/api/contract.ts'
import { type Controller, startController } from '../controller/controller.ts'
import type { Status } from '../crds/kinds.ts'
import { feedctl } from './mainjob/feedctl.ts'
import { sumOf } from './mainjob/sample.ts'
import { until } from './services/deadline.ts'
import { temporaryDirectory } from './services/directory.ts'
import { type Docker, startDocker } from './services/docker.ts'
import { freePorts } from './services/port.ts'

const image = 'busybox:1.36'

let engine: Docker
let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let controller: Controller
let key: string

const file = (name: string) => join(directory.path, name)
const composeFile = () => file('compose/docker-compose.yml')

beforeAll(async () => {
  engine = await startDocker()
  await engine.ensureImage(image)
  directory = await temporaryDirectory('stack')
  key = `${engine.project}/services`
  for (const folder of ['manifests', 'compose/config', 'secrets']) mkdirSync(file(folder), { recursive: true })
  writeFileSync(file('manifests/host.yaml'), hostText())
  writeFileSync(file('manifests/stack.yaml'), stackText())
  writeFileSync(file('manifests/stack.env'), 'COMPOSE_PROFILES=extra\nGREETING=hello\n')
  writeFileSync(file('compose/config/settings'), 'one\n')
  writeFileSync(file('compose/other.env'), 'OTHER=1\n')
  writeFileSync(composeFile(), composeText)
  await start()
})

afterAll(async () => {
  await controller?.stop()
  await engine?.stop()
  await directory?.remove()
})

async function start(): Promise<void> {
  controller = await startController({
    manifests: file('manifests'),
    stateDirectory: file('state'),
    dataDirectory: file('manifests'),
    secretsDirectory: file('secrets'),
    installationDirectory: directory.path,
    dockerConfigFile: undefined,
    environment: { PATH: process.env.PATH, GREETING: 'not this one' },
    listen: { host: '127.0.0.1', port: 0 },
    concurrency: 4,
    resyncMs: 500,
    version: '0.0.0',
    log: pino({ level: 'silent' }),
  })
}

const envelope = (kind: string, name: string) =>
  `apiVersion: feedplane.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}, namespace: ${engine.project}}\nspec:\n`

const hostText = () =>
  `${envelope('Host', 'local')}  engine: {type: docker, endpoint: "unix://${engine.socket}"}\n  project: ${engine.project}-feeds\n`

const stackText = (more = '') => `${envelope('Stack', 'services')}  hostRef: local
  project: ${engine.project}
  files: [../compose/docker-compose.yml]
  envFile: stack.env
  unhealthyAfter: 500ms
${more}`

const composeText = `x-service: &service
  image: ${image}
  init: true
  stop_grace_period: 1s
services:
  bus: {<<: *service, command: [sleep, '1000'], volumes: ['data:/data']}
  web:
    <<: *service
    command: [sleep, '1000']
    environment: {GREETING: '\${GREETING:?say hello}'}
    depends_on: [bus]
  checked:
    <<: *service
    command: [sh, -c, 'touch /tmp/ok; sleep 1000']
    healthcheck: {test: [CMD, test, -f, /tmp/ok], interval: 300ms, retries: 1}
  told:
    <<: *service
    command: [sh, -c, 'trap "cat /config/settings" HUP; while :; do sleep 1000 & wait; done']
    labels: {dev.feedplane.stack.reload: SIGHUP}
    init: false
    volumes: ['./config:/config:ro']
  listed: {<<: *service, command: [sleep, '1000'], env_file: [other.env]}
  once: {<<: *service, command: ['true']}
  spare: {<<: *service, command: [sleep, '1000'], profiles: [extra]}
  idle: {<<: *service, command: [sleep, '1000'], profiles: [never]}
  alone: {<<: *service, command: [sleep, '1000'], labels: {dev.feedplane.stack: unmanaged}}
volumes: {data: {}}
`

const all = ['bus', 'checked', 'listed', 'once', 'spare', 'told', 'web']

async function get<T>(path: string): Promise<T> {
  const response = await fetch(`${controller.url}/api/v1/${path}`)
  if (!response.ok) throw new Error(`${path} answers ${response.status}`)
  return (await response.json()) as T
}

async function status(): Promise<Status<'Stack'> & { generation: number }> {
  const { status: found, metadata } = await get<ResourceView>(`resources/Stack/${key}`)
  return { ...(found as Status<'Stack'>), generation: metadata.generation }
}

async function conditions(): Promise<Record<string, string>> {
  return Object.fromEntries((await status()).conditions?.map(({ type, ...its }) => [type, `${its.status} ${its.reason}`]) ?? [])
}

const message = async (type: string) => (await status()).conditions?.find(condition => condition.type === type)?.message

async function reasons(): Promise<string[]> {
  const { items } = await get<{ items: ResourceEvent[] }>(`events?${new URLSearchParams({ kind: 'Stack', key, limit: '500' })}`)
  return items.map(({ reason }) => reason)
}

/** Waits until all of it is as declared, `edit` included. */
async function settled(edit: () => unknown = () => undefined): Promise<void> {
  await edit()
  await until('the stack to be ready', async () => (await conditions()).Ready === 'True ServicesReady')
}

const metrics = async () => (await fetch(`${controller.url}/metrics`)).text()
const writes = async () => sumOf(await metrics(), 'feedplane_engine_calls_total', { mode: 'write' })
const looks = async () => sumOf(await metrics(), 'feedplane_reconcile_total', { kind: 'Stack' })

async function looked(times: number): Promise<void> {
  const before = await looks()
  await until(`${times} looks`, async () => (await looks()) >= before + times)
}

/** By service: id and time of the start. */
async function containers(): Promise<Record<string, string>> {
  const ids = await engine.docker('ps', '--all', '--quiet', '--filter', `label=com.docker.compose.project=${engine.project}`)
  if (ids === '') return {}
  const format = '{{index .Config.Labels "com.docker.compose.service"}} {{.Id}} {{.State.StartedAt}}'
  const lines = (await engine.docker('inspect', '--format', format, ...ids.split('\n'))).split('\n')
  return Object.fromEntries(lines.map(line => [line.split(' ')[0], line.slice(line.indexOf(' ') + 1)]))
}

const greeting = () => engine.docker('exec', `${engine.project}-web-1`, 'sh', '-c', 'echo $GREETING')

/** Services whose container is another one, was started anew, came or went. */
function different(before: Record<string, string>, after: Record<string, string>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(name => before[name] !== after[name]).sort()
}

const edit = (name: string, from: string | RegExp, to: string) =>
  writeFileSync(file(name), readFileSync(file(name), 'utf8').replace(from, to))

it('brings up what the files and profiles name, but not what is to be left alone', async () => {
  await settled()
  expect(Object.keys(await containers()).sort()).toEqual(all)
  const { services = [], ready, unmanaged, composeVersion } = await status()
  expect(services.map(({ name }) => name)).toEqual(all)
  expect(services.filter(({ desiredHash, runningHash }) => desiredHash !== runningHash)).toEqual([])
  expect(services.find(({ name }) => name === 'once')).toMatchObject({ ready: true, state: 'completed' })
  expect({ ready, unmanaged }).toEqual({ ready: '7/7', unmanaged: ['alone'] })
  expect(composeVersion).toMatch(/^2\./)
  expect(await greeting()).toBe('hello')
})

it('writes nothing while there is nothing to do, nor when it is started again', async () => {
  const before = await containers()
  const written = await writes()
  await looked(4)
  expect(await writes()).toBe(written)
  await controller.stop()
  await start()
  await until('it to be looked at', async () => (await looks()) >= 2)
  expect(await writes()).toBe(0)
  expect(different(before, await containers())).toEqual([])
})

it('tells by feedctl what it is and that there is nothing to do', async () => {
  const [described, listed, planned] = await Promise.all([
    feedctl(controller.url, 'describe', 'stack', key),
    feedctl(controller.url, 'status'),
    feedctl(controller.url, 'diff'),
  ])
  expect(described.out).toMatch(/Services:\n +SERVICE .*\n +bus +✓ +running/)
  expect(listed.out).toMatch(new RegExp(`✓ Ready +${key} +${engine.project} +7/7`))
  expect(planned).toMatchObject({ code: 0, out: '' })
})

it('makes a service that is declared otherwise anew, and no other', async () => {
  const before = await containers()
  await settled(() => edit('manifests/stack.env', 'hello', 'goodbye'))
  await until('the edit to be in force', async () => different(before, await containers()).length > 0)
  await settled()
  expect(different(before, await containers())).toEqual(['web'])
  expect(await greeting()).toBe('goodbye')
  const then = await containers()
  edit('compose/other.env', 'OTHER=1', 'OTHER=2')
  await until('the other edit to be in force', async () => different(then, await containers()).length > 0)
  await settled()
  expect(different(then, await containers())).toEqual(['listed'])
})

it('has a service read its files again where one of them has changed', async () => {
  const before = await containers()
  writeFileSync(file('compose/config/settings'), 'two\n')
  await until('it to be told', async () => (await engine.docker('logs', `${engine.project}-told-1`)).includes('two'))
  expect(different(before, await containers())).toEqual([])
  await until('it to be told of', async () => (await reasons()).includes('ServiceReloaded'))
  const written = await writes()
  await looked(3)
  expect(await writes()).toBe(written)
})

it('repairs what was removed, stopped or is unhealthy for too long, and nothing else', async () => {
  const before = await containers()
  await Promise.all([
    engine.docker('rm', '--force', `${engine.project}-bus-1`),
    engine.docker('stop', '--time', '1', `${engine.project}-spare-1`),
    engine.docker('exec', `${engine.project}-checked-1`, 'rm', '/tmp/ok'),
  ])
  await until('all of it to be repaired', async () => different(before, await containers()).length === 3)
  await settled()
  expect(different(before, await containers())).toEqual(['bus', 'checked', 'spare'])
  expect(await reasons()).toEqual(
    expect.arrayContaining(['ServiceNotReady', 'ServiceRestarted', 'ServicesBroughtUp', 'ServiceReady']),
  )
})

it('leaves all that runs as it is where a file is bad, and says where', async () => {
  const before = await containers()
  const good = readFileSync(composeFile(), 'utf8')
  writeFileSync(composeFile(), good.replace('  once: {', '  once: {imagee: x, '))
  await until('the mistake to be told', async () => (await conditions()).Stalled === 'True ComposeFileInvalid')
  const line = good.split('\n').findIndex(text => text.startsWith('  once:')) + 1
  expect(await message('SourceValid')).toContain(`${composeFile()}:${line}:10: `)
  expect(await conditions()).toMatchObject({ Ready: 'False ComposeFileInvalid', SourceValid: 'False ComposeFileInvalid' })
  expect(sumOf(await metrics(), 'feedplane_stack_service_ready')).toBe(7)
  writeFileSync(composeFile(), good.replace('  once: {', '  once: ['))
  await until('the other mistake to be told', async () => (await message('Stalled'))?.includes('yaml: line'))
  writeFileSync(composeFile(), good)
  edit('manifests/stack.env', 'GREETING', 'GREETINGS')
  await until('the variable to be missed', async () => (await conditions()).Stalled === 'True ComposeVariableMissing')
  const use = good.split('\n').findIndex(text => text.includes('GREETING:?')) + 1
  expect(await message('SourceValid')).toContain(`${composeFile()}:${use}:19: `)
  edit('manifests/stack.env', 'GREETINGS', 'GREETING')
  rmSync(composeFile())
  await until('the file to be missed', async () => (await conditions()).Stalled === 'True ComposeFileUnreadable')
  writeFileSync(composeFile(), good)
  await settled()
  expect(different(before, await containers())).toEqual([])
})

it('mends an unhealthy service beside one that cannot be brought up without it', async () => {
  const before = readFileSync(composeFile(), 'utf8')
  const more = `  needy: {<<: *service, command: [sleep, '1000'], depends_on: {checked: {condition: service_healthy}}}\n`
  edit('compose/docker-compose.yml', 'volumes: {data', `${more}volumes: {data`)
  await until('both to run', async () => (await status()).ready === '8/8')
  await controller.stop()
  const [checked, needy] = [`${engine.project}-checked-1`, `${engine.project}-needy-1`]
  await engine.docker('exec', checked, 'rm', '/tmp/ok')
  const health = ['inspect', '--format', '{{.State.Health.Status}}', checked]
  await until('it to be unhealthy', async () => (await engine.docker(...health)) === 'unhealthy')
  await engine.docker('rm', '--force', needy)
  await start()
  await until('both to run again', async () => 'needy' in (await containers()) && (await status()).ready === '8/8')
  writeFileSync(composeFile(), before)
  await until('it to be gone', async () => (await status()).ready === '7/7')
  await settled()
})

it('gives the port of a service that is no longer declared to another one', async () => {
  const before = readFileSync(composeFile(), 'utf8')
  const [port] = await freePorts(1)
  const more = `  older: {<<: *service, command: [sleep, '1000'], ports: ['127.0.0.1:${port}:80']}\n`
  edit('compose/docker-compose.yml', 'volumes: {data', `${more}volumes: {data`)
  await until('the one to run', async () => (await status()).ready === '8/8')
  edit('compose/docker-compose.yml', '  older: {', '  newer: {')
  await until('the other to run', async () => (await status()).services?.some(({ name, ready }) => name === 'newer' && ready))
  expect(Object.keys(await containers())).not.toContain('older')
  writeFileSync(composeFile(), before)
  await until('it to be gone', async () => (await status()).ready === '7/7')
  await settled()
})

it('gives up what it is bringing up as soon as that is mended', async () => {
  const before = readFileSync(composeFile(), 'utf8')
  const check = '{test: [CMD, "false"], interval: 300ms, start_period: 1h}'
  const more = `  slow: {<<: *service, command: [sleep, '1000'], healthcheck: ${check}}
  late: {<<: *service, command: [sleep, '1000'], depends_on: {slow: {condition: service_healthy}}}
`
  edit('compose/docker-compose.yml', 'volumes: {data', `${more}volumes: {data`)
  await until('what the other waits for', async () => 'slow' in (await containers()))
  edit('compose/docker-compose.yml', '"false"', '"true"')
  await until('both to run', async () => (await status()).ready === '9/9')
  expect(await reasons()).toContain('ChangeCutOff')
  writeFileSync(composeFile(), before)
  await until('both to be gone', async () => (await status()).ready === '7/7')
  await settled()
})

it('removes a service that is no longer declared, and nothing that it did not run', async () => {
  const strangers = [
    ['same', engine.project],
    ['prefix', `${engine.project}-other`],
  ] as const
  for (const [name, project] of strangers) {
    const labels = [
      `com.docker.compose.project=${project}`,
      `com.docker.compose.service=${name}`,
      'com.docker.compose.oneoff=False',
    ]
    const options = [...labels, engine.label].flatMap(label => ['--label', label])
    await engine.docker('run', '--detach', '--init', '--name', `${engine.project}-${name}`, ...options, image, 'sleep', '1000')
  }
  const before = await containers()
  edit('compose/docker-compose.yml', /^ {2}listed: .*\n/m, '')
  edit('manifests/stack.env', 'COMPOSE_PROFILES=extra\n', '')
  await until('both to be gone', async () => different(before, await containers()).length === 2)
  await settled()
  expect(different(before, await containers())).toEqual(['listed', 'spare'])
  expect((await status()).ready).toBe('5/5')
  expect(await reasons()).toContain('ServicesPruned')
  expect(await metrics()).not.toContain('service="spare"')
})

it('leaves the services when it is no longer declared, unless it is told to remove them', async () => {
  const before = await containers()
  rmSync(file('manifests/stack.yaml'))
  await until('the stack to be forgotten', async () => (await reasons()).includes('StackKept'))
  expect(different(before, await containers())).toEqual([])
  writeFileSync(file('stack.yaml'), stackText())
  const planned = await feedctl(controller.url, 'diff', file('stack.yaml'), '--output', 'json')
  expect(planned.code).toBe(2)
  expect(JSON.parse(planned.out)).toMatchObject([{ kind: 'Stack', key, steps: [], violations: [{ reason: 'StackNotDeclared' }] }])
  writeFileSync(file('manifests/stack.yaml'), stackText('  deletionPolicy: Remove\n'))
  await until('it to be declared again', async () => (await conditions()).Ready === 'True ServicesReady')
  expect(different(before, await containers())).toEqual([])
  rmSync(file('manifests/stack.yaml'))
  await until('the stack to be removed', async () => (await reasons()).includes('StackRemoved'))
  expect(Object.keys(await containers())).toEqual(['same'])
  expect(await engine.docker('inspect', '--format', '{{.State.Status}}', `${engine.project}-prefix`)).toBe('running')
  expect(await engine.docker('volume', 'ls', '--quiet', '--filter', `name=${engine.project}_data`)).toBe(`${engine.project}_data`)
  expect(await engine.docker('network', 'ls', '--quiet', '--filter', `label=com.docker.compose.project=${engine.project}`)).toBe(
    '',
  )
  expect(await metrics()).not.toContain('feedplane_stack_service_ready{')
})
