// needs: docker, compose, registry
import { readFileSync, rmSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fleet, type Idle, startFleet } from '../../bench/fleet.ts'
import { dockerFleet } from '../../bench/idle.ts'
import type { ResourceView } from '../../controller/api/contract.ts'
import type { Condition } from '../../crds/contract/resource.ts'
import { type Tick, tickHeaders } from '../../crds/contract/tick.ts'
import type { FeedStatus } from '../../crds/feed.ts'
import { type Consumer, openConsumer } from '../../feed/client/consumer.ts'
import { isLong } from '../long.ts'
import { until } from '../services/deadline.ts'
import { type DockerStage, instruments, setImage, startDockerStage } from './dockerstage.ts'
import { edit, save } from './edit.ts'
import { type Answer, feedctl } from './feedctl.ts'
import { filePlaces, leaks, type Place, processPlaces } from './leak.ts'

// The main job on real services: examples/docker as a user runs it. The tests tell one story, in order, on one stage. Beside it five
// feeds stand idle under a controller of their own.

/** With FEEDPLANE_LONG=1 also what process.test.ts has on processes, and the fault suite on Docker. */
const idleFeeds = isLong ? 5 : 1
/** The full minute is measured by `npm run bench -- idle`. */
const idleSeconds = 30
const startedAt = Math.floor(Date.now() / 1000)

let stage: DockerStage
let consumer: Consumer
let fleet: Fleet
/** The feed's file as it was at the beginning. */
let feedText: string
let endIdle: (seconds: number) => Promise<Idle>

beforeAll(async () => {
  stage = await startDockerStage()
  fleet = await startFleet({ ...dockerFleet(stage.engine.project, idleFeeds), signal: AbortSignal.timeout(120_000) })
  endIdle = await fleet.idle()
  // The other strategy has a part of its own.
  edit(stage.feedFile, 'rollout: {', 'rollout: {strategy: Recreate, ')
  feedText = readFileSync(stage.feedFile, 'utf8')
  await stage.controller.start()
}, 300_000)

afterAll(async () => {
  await fleet?.stop()
  await consumer?.close()
  await stage?.stop()
}, 60_000)

const ctl = (...args: string[]): Promise<Answer> => feedctl(stage.controller.url, '--namespace', stage.namespace, ...args)
const status = (view: ResourceView): FeedStatus => view.status as FeedStatus
const condition = (view: ResourceView, type: string): Condition | undefined =>
  view.status.conditions?.find(candidate => candidate.type === type)

type Container = { ID: string; Names: string; State: string }

async function feedContainers(): Promise<Container[]> {
  const filter = `label=com.docker.compose.project=${stage.projects.feeds}`
  const lines = await stage.engine.docker('ps', '--all', '--no-trunc', '--filter', filter, '--format', '{{json .}}')
  return lines.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line) as Container]))
}

async function oneContainer(): Promise<{ id: string; name: string; startedAt: string }> {
  const { ID: id, Names: name } = await until('one container, which runs', async () => {
    const [first, ...others] = await feedContainers()
    return first?.State === 'running' && others.length === 0 && first
  })
  return { id, name, startedAt: await stage.engine.docker('inspect', '--format', '{{.State.StartedAt}}', id) }
}

/** Waits for so many ticks of every instrument, on average. */
async function moreTicks(rounds = 2): Promise<void> {
  const before = consumer.counts().accepted
  await until('more ticks', () => consumer.counts().accepted >= before + rounds * instruments)
}

/** What a consumer holds against the feed: nothing of it may grow where no tick may be lost. */
function complaints() {
  const { missing, duplicates, stale, restarts, malformed, gaps } = consumer.counts()
  return { missing, duplicates, stale, restarts, malformed, gaps }
}

/** A publisher that came anew may leave out ticks, but says so; it never sends one twice or out of its turn. */
function expectHonest(before: ReturnType<typeof complaints>): void {
  const { missing, gaps, ...others } = complaints()
  const told = gaps > before.gaps
  expect(others).toMatchObject({ duplicates: before.duplicates, stale: before.stale, malformed: before.malformed })
  expect({ told, missing: told ? before.missing : missing }).toEqual({ told, missing: before.missing })
}

describe('a declared feed', () => {
  it('gets Ready, and feedctl rollout follows it there', async () => {
    const { code, out } = await ctl('rollout', 'futures', '--timeout', '60s')
    expect({ code, out }).toMatchObject({
      code: 0,
      out: expect.stringContaining(`✓ Done ${stage.key}: ${instruments} of ${instruments} subscriptions acknowledged`),
    })
    expect(condition(await stage.controller.view(stage.key), 'Ready')).toMatchObject({ status: 'True', reason: 'DataFlowing' })
  })

  it('is seen in docker ps, docker compose ps and docker compose logs', async () => {
    const { name } = await oneContainer()
    expect(name).toBe(`${stage.namespace}-futures-r1`)
    expect(await stage.engine.docker('ps', '--format', '{{.Names}}')).toContain(name)
    const listed = await stage.engine.docker('compose', '--project-name', stage.projects.feeds, 'ps', '--format', 'json')
    expect(JSON.parse(listed)).toMatchObject({ Name: name, Service: 'futures', State: 'running' })
    const logs = await stage.engine.docker('compose', '--project-name', stage.projects.feeds, 'logs', '--no-color')
    expect(logs).toContain('the feed listens')
  })

  it('is read by a plain NATS client', async () => {
    const connection = await connect({ servers: stage.natsUrl, user: 'feedplane', pass: stage.canaries.nats })
    const subscription = connection.subscribe('market.tick.CZCE.>', { max: 3 })
    const ticks: Tick[] = []
    for await (const message of subscription) {
      ticks.push(message.json<Tick>())
      expect(message.headers?.get(tickHeaders.messageId)).not.toBe('')
    }
    await connection.close()
    expect(ticks).toHaveLength(3)
    expect(ticks[0]).toMatchObject({ feed: stage.key, account: 'primary', exchange: 'CZCE', last: expect.any(Number) })
  })

  it('is read by the consumer library', async () => {
    consumer = await openConsumer({
      ...{ type: 'jetstream', servers: [stage.natsUrl], subjectPrefix: 'market.tick', stream: 'TICKS' },
      secrets: { USER: 'feedplane', PASSWORD: stage.canaries.nats },
    })
    await moreTicks()
    expect(complaints()).toEqual({ missing: 0, duplicates: 0, stale: 0, restarts: 0, malformed: 0, gaps: 0 })
  })
})

describe('failover', () => {
  it('by editing one line loses and doubles no tick', async () => {
    const before = complaints()
    const { state, view } = await stage.controller.settle(stage.key, () =>
      edit(stage.feedFile, 'active: primary ', 'active: backup '),
    )
    expect({ state, active: status(view).active, epoch: status(view).epoch }).toEqual({
      ...{ state: 'done', active: 'backup', epoch: 2 },
    })
    await moreTicks(6)
    expect(complaints()).toEqual(before)
    await oneContainer()
  })

  it('by feedctl goes back and forth, and ends with 0 when the account publishes', async () => {
    const before = complaints()
    expect(await ctl('failback', 'futures', '--wait')).toMatchObject({ code: 0 })
    expect(status(await stage.controller.view(stage.key)).active).toBe('primary')
    expect(await ctl('failover', 'futures', '--wait')).toMatchObject({ code: 0 })
    expect(status(await stage.controller.view(stage.key)).active).toBe('backup')
    expect(await ctl('failback', 'futures', '--wait')).toMatchObject({ code: 0 })
    await moreTicks()
    expect(complaints()).toEqual(before)
  })
})

describe('repair', () => {
  const cases: [what: string, args: (name: string) => string[], writes: number, reason: string][] = [
    ['docker rm -f', name => ['rm', '--force', name], 3, 'is missing'],
    ['docker stop', name => ['stop', '--time', '5', name], 2, 'is stopped'],
    ['docker rename', name => ['rename', name, `${stage.namespace}-stray`], 1, 'renamed'],
  ]
  it.each(cases)('after %s converges once, and says why', async (_what, args, writes, reason) => {
    const { name } = await oneContainer()
    const before = await stage.controller.writes()
    const were = complaints()
    const logged = stage.controller.log.length
    await stage.controller.frozen(() => stage.engine.docker(...args(name)))
    await until('the repair', async () => (await stage.controller.writes()).engine > before.engine)
    const { state } = await until('the feed to be Ready', () => stage.controller.settled(stage.key))
    expect(state).toBe('done')
    await stage.controller.looks(3)
    expect((await oneContainer()).name).toBe(name)
    expect(await stage.controller.writes()).toEqual({ engine: before.engine + writes, feed: before.feed })
    expect(stage.controller.log.slice(logged)).toMatch(new RegExp(`"reason":"Repaired".*${reason}`))
    await moreTicks()
    expectHonest(were)
  })
})

describe('an image edit', () => {
  it('to a good tag, which only the registry has, converges', async () => {
    const before = complaints()
    const { state, view } = await stage.controller.settle(stage.key, () => setImage(stage, stage.images.good))
    expect({ state, revision: status(view).revision }).toEqual({ state: 'done', revision: 2 })
    expect(status(view).image).toMatch(/@sha256:/)
    expect((await oneContainer()).name).toBe(`${stage.namespace}-futures-r2`)
    await moreTicks()
    expectHonest(before)
  })

  const bad: [what: string, image: keyof DockerStage['images'], reason: string, keepsRunning: boolean][] = [
    ['a tag that does not exist', 'absent', 'ImageNotFound', true],
    ['one that crashes', 'crashing', 'CrashLoop', false],
    ['one that never logs in', 'mute', 'ProgressDeadlineExceeded', false],
  ]
  it.each(bad.slice(0, isLong ? 3 : 1))(
    'to %s rolls back to the last good one, and is not tried again',
    async (_what, image, reason, keepsRunning) => {
      const before = complaints()
      const was = await oneContainer()
      await moreTicks(1)
      setImage(stage, stage.images[image])
      const { code, out } = await ctl('rollout', 'futures', '--timeout', '120s')
      expect({ code, out }).toMatchObject({ code: 1, out: expect.stringContaining(reason) })
      const view = await stage.controller.view(stage.key)
      expect(condition(view, 'Ready')).toMatchObject({ status: 'False' })
      expect(condition(view, 'Stalled')).toMatchObject({ status: 'True', reason: 'RolledBack' })
      expect(condition(view, 'RolledBack')).toMatchObject({ status: 'True', reason })
      const now = await oneContainer()
      expect({ id: now.id, name: now.name }).toEqual({ id: was.id, name: was.name })
      await moreTicks(1)
      if (keepsRunning) expect({ ...complaints(), at: now.startedAt }).toEqual({ ...before, at: was.startedAt })
      else expectHonest(before)
      const writes = await stage.controller.writes()
      await stage.controller.looks(6)
      expect(await stage.controller.writes()).toEqual(writes)
    },
    240_000,
  )

  it('taken back is Ready without a write', async () => {
    const writes = await stage.controller.writes()
    const { state } = await stage.controller.settle(stage.key, () => setImage(stage, stage.images.good))
    expect(state).toBe('done')
    expect(await stage.controller.writes()).toEqual(writes)
  })
})

describe('a handover', () => {
  it('to another image and back loses and doubles no tick', async () => {
    // On its own: together with the image it could be seen as one edit or as two.
    await stage.controller.settle(stage.key, () => edit(stage.feedFile, 'strategy: Recreate', 'strategy: Handover'))
    const before = complaints()
    for (const image of [stage.images.base, stage.images.good]) {
      const { state, view } = await stage.controller.settle(stage.key, () => setImage(stage, image))
      expect({ state, image: view.spec.image }).toEqual({ state: 'done', image })
      await until('the old container to be removed', async () => (await feedContainers()).length === 1)
    }
    await moreTicks()
    expect(complaints()).toEqual(before)
    await stage.controller.settle(stage.key, () => edit(stage.feedFile, 'strategy: Handover', 'strategy: Recreate'))
  })
})

describe('feedctl', () => {
  it('lists revisions, rolls back to one, and lets go of it', async () => {
    const listed = await ctl('rollback', 'futures')
    expect(listed).toMatchObject({ code: 2, out: expect.stringMatching(/^2\*?>? .*good[\s\S]*^1 .*good/m) })
    expect(await ctl('rollback', 'futures', '--to', '3')).toMatchObject({ code: 4 })
    expect(await ctl('rollback', 'futures', '--to', '1', '--wait')).toMatchObject({ code: 0 })
    expect((await oneContainer()).name).toBe(`${stage.namespace}-futures-r1`)
    expect(await ctl('rollback', 'futures', '--release', '--wait')).toMatchObject({ code: 0 })
    expect((await oneContainer()).name).toBe(`${stage.namespace}-futures-r2`)
  })

  it('suspends a feed, which goes on, and resumes it', async () => {
    const { id, name } = await oneContainer()
    expect(await ctl('suspend', 'futures', '--wait')).toMatchObject({ code: 0 })
    await stage.engine.docker('rename', name, `${stage.namespace}-stray`)
    await stage.controller.looks(3)
    await moreTicks(1)
    expect((await feedContainers()).map(({ Names }) => Names)).toEqual([`${stage.namespace}-stray`])
    expect(await ctl('resume', 'futures', '--wait')).toMatchObject({ code: 0 })
    expect(await oneContainer()).toMatchObject({ id, name })
  })

  it('shows history, one feed, its ticks, and that nothing is to be done', async () => {
    expect(await ctl('history', 'futures')).toMatchObject({ code: 0, out: expect.stringMatching(/failed[\s\S]*ImageNotFound/) })
    expect(await ctl('describe', 'feed', 'futures')).toMatchObject({ code: 0, out: expect.stringContaining('DataFlowing') })
    expect(await ctl('tail', 'futures', '--limit', '20')).toMatchObject({
      code: 0,
      err: expect.stringContaining('20 ticks, 0 missing, 0 twice'),
    })
    expect(await ctl('diff')).toMatchObject({ code: 0, out: '' })
    expect(await ctl('status')).toMatchObject({ code: 0, out: expect.stringContaining('✓ Ready') })
  })
})

describe('kill -9 of the controller', () => {
  it('in steady state stops no feed, and the next one writes nothing', async () => {
    await moreTicks(1)
    const before = { ...complaints(), ...(await oneContainer()), epoch: status(await stage.controller.view(stage.key)).epoch }
    await stage.controller.kill()
    await moreTicks(4)
    await stage.controller.start()
    expect((await stage.controller.settled(stage.key)).state).toBe('done')
    await stage.controller.looks(4)
    expect(await stage.controller.writes()).toEqual({ engine: 0, feed: 0 })
    await moreTicks(1)
    const after = { ...complaints(), ...(await oneContainer()), epoch: status(await stage.controller.view(stage.key)).epoch }
    expect(after).toEqual(before)
  })

  it.each(isLong ? ['RolloutStarted', 'Create', 'Stop', 'Start', 'Proven'] : ['Stop'])(
    'at %s of a rollout is made good by the next one',
    async moment => {
      const { key, controller, images } = stage
      const next = (await controller.view(key)).spec.image === images.good ? images.base : images.good
      const before = complaints()
      await killAt(moment, () => setImage(stage, next))
      const { state, view } = await controller.settled(key)
      const stalled = condition(view, 'Stalled')
      expect({ state, image: view.spec.image, stalled }).toEqual({ state: 'done', image: next, stalled: undefined })
      expect((await oneContainer()).name).toBe(`${stage.namespace}-futures-r${status(view).revision}`)
      await moreTicks(1)
      expectHonest(before)
    },
  )

  if (isLong) {
    it('at the failure of a rollout does not keep the last good one from coming back', async () => {
      const { key, controller, images } = stage
      const image = String((await controller.view(key)).spec.image)
      const was = await oneContainer()
      await controller.settle(key, () => edit(stage.feedFile, 'memory: 512Mi', 'memory: 384Mi'))
      const good = await oneContainer()
      expect(good.id).not.toBe(was.id)
      await killAt('RolloutFailed', () => setImage(stage, `${images.crashing}`))
      const { state, view } = await controller.settled(key)
      expect({ state, reason: condition(view, 'Stalled')?.reason }).toEqual({ state: 'failed', reason: 'RolledBack' })
      expect((await oneContainer()).id).toBe(good.id)
      await moreTicks(1)
      expect((await controller.settle(key, () => setImage(stage, image))).state).toBe('done')
    })
  }
})

/** Kills the controller at the step or event of that name which the edit leads to, and starts it again. */
async function killAt(moment: string, act: () => void): Promise<void> {
  const { controller } = stage
  const killed = controller.killAt(({ action, reason }) => action === moment || reason === moment, AbortSignal.timeout(30_000))
  act()
  await killed
  await controller.start()
}

describe('secrets', () => {
  it('are in the 0400 files of the volume and nowhere else', async () => {
    const { id, name } = await oneContainer()
    const copy = join(dirname(stage.directory), 'volume')
    await mkdir(copy)
    await stage.engine.docker('cp', `${id}:/var/lib/feedplane/.`, copy)
    const files = await filePlaces(copy)
    const secrets = [...Object.values(stage.canaries), files.find(file => file.name === 'token')?.text ?? '']
    expect(secrets.every(secret => secret.length > 20)).toBe(true)
    const holders = files.filter(file => leaks([file], secrets).length > 0)
    expect(holders.map(({ name: path, mode }) => `${path} ${mode.toString(8)}`).sort()).toEqual([
      'secrets/backup/PASSWORD 400',
      'secrets/nats/PASSWORD 400',
      'secrets/primary/PASSWORD 400',
      'token 400',
    ])
    expect(leaks([...(await places(id, name)), ...(await processPlaces())], secrets)).toEqual([])
  })
})

describe('nothing to do', () => {
  it(`makes no write in ${idleSeconds} s of ${idleFeeds} feeds on Docker`, async () => {
    const idle = await endIdle(idleSeconds)
    console.log('idle, beside other work:', JSON.stringify(idle))
    expect(idle).toMatchObject({ feeds: idleFeeds, engineWrites: 0, feedWrites: 0 })
    expect(idle.looks).toBeGreaterThanOrEqual(idleFeeds * 2)
  })
})

describe('a declaration that is gone', () => {
  it('takes container and volume with it', async () => {
    rmSync(stage.feedFile)
    await untilGone()
  })
})

describe('the controller as a container', () => {
  it('reaches the feed by its name, and is edited from outside', async () => {
    const { engine, manifests, feedFile, controller, projects } = stage
    await controller.stop()
    edit(join(manifests, 'host.yaml'), 'reach: published ', 'reach: network ')
    save(feedFile, feedText)
    const container = `${projects.demo}-controller`
    const port = new URL(controller.url).port
    await engine.docker(...(await runController(container, port)))
    const rollout = ['exec', container, 'feedctl', 'rollout', `${stage.namespace}/futures`]
    expect(await until('the feed to be Ready', () => engine.docker(...rollout))).toContain('✓ Done')
    // A new controller counts epochs from 1. The old one's feed has ended in good order, and left its epoch on the bus.
    expect(await engine.docker('exec', container, 'feedctl', 'events', stage.key)).toContain('EpochReleased')
    const { id } = await oneContainer()
    expect(await engine.docker('port', id)).toBe('')
    const tail = ['exec', container, 'feedctl', 'tail', `${stage.namespace}/futures`, '--limit', '2', '--output', 'json']
    expect((await engine.docker(...tail)).split('\n')).toHaveLength(2)
    const { code, err } = await ctl('--manifests', manifests, 'failover', 'futures', '--wait')
    expect({ code, err }).toMatchObject({ code: 0 })
    rmSync(feedFile)
    await untilGone()
    await engine.docker('stop', container)
    expect(await engine.docker('inspect', '--format', '{{.State.ExitCode}}', container)).toBe('0')
  })
})

async function untilGone(): Promise<void> {
  const { engine, namespace } = stage
  await until('containers and volumes to be gone', async () => {
    const volumes = await engine.docker('volume', 'ls', '--quiet', '--filter', `name=^${namespace}-futures`)
    return volumes === '' && (await feedContainers()).length === 0
  })
}

/** The README's command, with names of this run. */
async function runController(name: string, port: string): Promise<string[]> {
  const { engine, directory, network } = stage
  const group = (await stat(engine.socket)).gid
  return [
    ...['run', '--detach', '--name', name, '--label', engine.label, '--network', network],
    ...['--publish', `127.0.0.1:${port}:9181`],
    ...['--volume', `${engine.socket}:/var/run/docker.sock`, '--group-add', String(group)],
    ...['--volume', `${join(directory, 'manifests')}:/manifests:ro`],
    ...['--volume', `${join(directory, 'secrets')}:/run/secrets/feedplane:ro`],
    ...['--volume', `${name}:/var/lib/feedplane`],
    ...['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
    `feedplane/controller:${engine.project}`,
  ]
}

/** All that an operator, or whoever gets hold of the engine's or the controller's output, can read. */
async function places(id: string, name: string): Promise<Place[]> {
  const { engine, controller, key } = stage
  const { image } = (await controller.view(key)).spec
  const dockerPlaces: [name: string, args: string[]][] = [
    ['container', ['inspect', ...(await feedContainers()).map(({ ID }) => ID)]],
    ['image', ['image', 'inspect', String(image)]],
    ['history', ['history', '--no-trunc', String(image)]],
    ['volume', ['volume', 'inspect', ...(await volumesOf(id))]],
    ['network', ['network', 'inspect', stage.network]],
    ['docker logs', ['logs', name]],
    ['compose logs', ['compose', '--project-name', stage.projects.demo, 'logs', '--no-color']],
    ['compose config', ['compose', '--project-directory', stage.directory, 'config']],
    ['tmp of the container', ['exec', id, 'sh', '-c', 'cat $(find /tmp -type f) /dev/null']],
    [
      'events',
      ['events', '--since', String(startedAt), '--until', String(Math.ceil(Date.now() / 1000)), '--format', '{{json .}}'],
    ],
  ]
  const paths = ['resources', 'events?limit=1000', 'source', `feeds/${key}/revisions`].map(path => `/api/v1/${path}`)
  const { endpoint = '' } = status(await controller.view(key))
  return [
    ...(await Promise.all(dockerPlaces.map(async ([place, args]) => ({ name: place, text: await engine.docker(...args) })))),
    ...(await Promise.all(paths.map(async path => ({ name: path, text: JSON.stringify(await controller.get(path)) })))),
    { name: "controller's metrics", text: await controller.metrics() },
    { name: "feed's metrics", text: await (await fetch(`${endpoint}/metrics`)).text() },
    { name: "controller's log", text: controller.log },
    ...(await filePlaces(join(dirname(stage.directory), 'state'))),
  ]
}

async function volumesOf(id: string): Promise<string[]> {
  const format = '{{range .Mounts}}{{if eq .Type "volume"}}{{.Name}} {{end}}{{end}}'
  return (await stage.engine.docker('inspect', '--format', format, id)).trim().split(' ')
}
