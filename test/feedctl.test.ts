import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PlanView, ResourceEvent, ResourceView, RevisionView, SourceView } from '../controller/api/contract.ts'
import { run } from '../controller/cli/program.ts'
import type { Condition } from '../crds/contract/resource.ts'
import type { Tick } from '../crds/contract/tick.ts'
import { feed } from '../crds/feed.ts'
import { temporaryDirectory } from './services/directory.ts'

const manifest = `# the feeds of the colo
apiVersion: feedplane.dev/v1alpha1
kind: Feed
metadata: {name: ctp, namespace: production}
spec:
  hostRef: colo-1
  profileRef: live
  image: feed:1.0
  # who publishes
  credentials: {active: primary, primary: a, backup: b} # edit to fail over
  subscriptions: [all]
`

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let file: string
let world: World

beforeEach(async () => {
  directory = await temporaryDirectory('feedctl')
  file = join(directory.path, 'feeds.yaml')
  await writeFile(file, manifest)
  world = await startWorld(readyFeed(file))
})

afterEach(async () => {
  await world.stop()
  await directory.remove()
})

describe('feedctl failover', () => {
  it('edits one value of the YAML, says where, and leaves every other line as it was', async () => {
    const result = await feedctl('failover', 'ctp')
    expect(result.code).toBe(0)
    expect(result.out).toBe(
      `${file}:10\n- ${lineOf(manifest, 10)}\n+ ${lineOf(manifest, 10).replace('active: primary', 'active: backup')}\n`,
    )
    expect(await readFile(file, 'utf8')).toBe(manifest.replace('active: primary', 'active: backup'))
    expect(await readdir(directory.path)).toEqual(['feeds.yaml'])
  })

  it('keeps the mode of the file and follows a symbolic link to it', async () => {
    await mkdir(join(directory.path, 'real'))
    const real = join(directory.path, 'real', 'feeds.yaml')
    const link = join(directory.path, 'link.yaml')
    await writeFile(real, manifest)
    await chmod(real, 0o640)
    await symlink(real, link)
    world.feed.origin = { file: link, line: 2 }
    expect((await feedctl('failover', 'ctp')).code).toBe(0)
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
    expect((await stat(real)).mode & 0o777).toBe(0o640)
    expect(await readFile(real, 'utf8')).toContain('active: backup')
  })

  it('--wait is not fooled by the Ready of before and ends when the backup publishes', async () => {
    world.onWatch = () => {
      world.change({ generation: 2 })
      world.change({
        observed: 2,
        conditions: [ready('False', 'FailingOver', 'closing the gate'), reconciling('FailingOver')],
        phase: 'Promote',
      })
      world.emit({ reason: 'FailedOver', message: 'backup publishes, epoch 8' })
      world.change({ observed: 2, active: 'backup', conditions: [ready('True', 'Converged', 'backup publishes')] })
    }
    const result = await feedctl('failover', 'ctp', '--wait')
    expect(result.code).toBe(0)
    expect(result.out).toContain('✓ Done production/ctp: backup publishes')
    expect(result.err).toMatch(
      /generation 2[\s\S]*phase Promote[\s\S]*FailedOver: backup publishes, epoch 8[\s\S]*backup publishes, no longer primary/,
    )
  })

  it('--wait ends with 1 where the feed stalls', async () => {
    world.onWatch = () => {
      world.change({ generation: 2 })
      world.change({
        observed: 2,
        conditions: [ready('False', 'BadPassword', 'backup: wrong password'), stalled('BadPassword', 'backup: wrong password')],
      })
    }
    const result = await feedctl('failover', 'ctp', '--wait')
    expect(result.code).toBe(1)
    expect(result.out).toContain('✗ Failed production/ctp: BadPassword: backup: wrong password')
  })

  it('--wait ends with 3 where nothing happens, saying what it waited for', async () => {
    const result = await feedctl('failover', 'ctp', '--wait', '--timeout', '200ms')
    expect(result.code).toBe(3)
    expect(result.out).toContain('! Timeout production/ctp: the controller has not read the edit yet')
  })

  it('--wait goes on after the controller dropped the stream', async () => {
    world.onWatch = () => {
      if (world.watches === 1) return world.drop()
      world.change({ generation: 2, observed: 2, active: 'backup', conditions: [ready('True', 'Converged', 'backup publishes')] })
    }
    const result = await feedctl('failover', 'ctp', '--wait')
    expect(result.code).toBe(0)
    expect(result.err).toContain('lost the controller')
  })

  it('-o json writes the edit, every step and the outcome as JSON lines', async () => {
    world.onWatch = () =>
      world.change({ generation: 2, observed: 2, active: 'backup', conditions: [ready('True', 'Converged', 'ok')] })
    const result = await feedctl('failover', 'ctp', '--wait', '-o', 'json')
    const lines = result.out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>)
    expect(lines.map(line => line.type)).toEqual(['edit', 'generation', 'active', 'condition', 'outcome'])
    expect(lines[0]).toMatchObject({ file, line: 10 })
    expect(lines.at(-1)).toMatchObject({ state: 'done' })
    expect(result.err).toBe('')
  })

  it('says so where the account is declared and publishes already, and edits nothing', async () => {
    const result = await feedctl('failover', 'ctp', '--to', 'primary', '--wait')
    expect(result).toMatchObject({ code: 0, out: '' })
    expect(result.err).toContain('primary is declared active and publishes already; nothing was edited')
    expect(await readFile(file, 'utf8')).toBe(manifest)
  })

  it('refuses where no backup account is declared', async () => {
    await writeFile(file, manifest.replace(', backup: b', ''))
    const result = await feedctl('failover', 'ctp')
    expect(result.code).toBe(4)
    expect(result.err).toContain('declare one in spec.credentials.backup')
  })

  it('refuses --wait on a suspended feed before it edits anything', async () => {
    world.feed.spec.suspend = true
    const result = await feedctl('failover', 'ctp', '--wait')
    expect(result.code).toBe(4)
    expect(await readFile(file, 'utf8')).toBe(manifest)
  })

  it('refuses a file that does not parse, naming the place', async () => {
    await writeFile(file, `${manifest}  bad: [\n`)
    const result = await feedctl('failover', 'ctp')
    expect(result.code).toBe(2)
    expect(result.err).toMatch(/feeds\.yaml:1[23]:\d+: this is no YAML/)
  })

  it('refuses a file with a problem elsewhere: nothing of it would come into force', async () => {
    const text = `${manifest}---\napiVersion: feedplane.dev/v1alpha1\nkind: Host\nmetadata: {name: h}\nspec: {}\n`
    await writeFile(file, text)
    const result = await feedctl('failover', 'ctp', '--wait')
    expect(result.code).toBe(4)
    expect(result.err).toMatch(/feeds\.yaml:16:\d+: spec\.engine/)
    expect(await readFile(file, 'utf8')).toBe(text)
    expect(await feedctl('rollout', 'ctp')).toMatchObject({
      code: 1,
      err: expect.stringContaining('the last good declaration stays in force'),
    })
  })

  it('ends with 130 on Ctrl-C; the edit stays', async () => {
    const interruption = new AbortController()
    world.onWatch = () => interruption.abort()
    const result = await feedctlUntil(interruption.signal, 'failover', 'ctp', '--wait')
    expect(result.code).toBe(130)
    expect(await readFile(file, 'utf8')).toContain('active: backup')
  })
})

describe('feedctl without a controller', () => {
  it('edits the file that it finds below --manifests', async () => {
    await world.stop()
    const result = await feedctl('failover', 'ctp', '--manifests', directory.path)
    expect(result.code).toBe(0)
    expect(result.err).toContain('the controller does not answer')
    expect(await readFile(file, 'utf8')).toContain('active: backup')
  })

  it('says what was tried and what to do', async () => {
    await world.stop()
    const result = await feedctl('status')
    expect(result).toMatchObject({ code: 2, out: '' })
    expect(result.err).toMatch(
      /does not answer at http:\/\/127\.0\.0\.1:\d+ \(tried GET \/api\/v1\/.*ECONNREFUSED[\s\S]*--server URL or FEEDPLANE_SERVER/,
    )
  })

  it('refuses to wait, before it edits anything', async () => {
    await world.stop()
    const result = await feedctl('failover', 'ctp', '--wait', '--manifests', directory.path)
    expect(result.code).toBe(2)
    expect(await readFile(file, 'utf8')).toBe(manifest)
  })
})

describe('feedctl failback', () => {
  it('declares the primary active again', async () => {
    await writeFile(file, manifest.replace('active: primary', 'active: backup'))
    world.change({ active: 'backup' })
    expect((await feedctl('failback', 'ctp')).code).toBe(0)
    expect(await readFile(file, 'utf8')).toBe(manifest)
  })

  it('ends an override by the watchdog with a token, and waits until it is carried out', async () => {
    world.change({ active: 'backup', activeReason: 'Override' })
    world.onWatch = () => world.change({ active: 'primary', activeReason: 'Declared', requests: { failback: 'token-1' } })
    const result = await feedctl('failback', 'ctp', '--wait')
    expect(result.code).toBe(0)
    expect(await readFile(file, 'utf8')).toContain('annotations: {feedplane.dev/failback: token-1}')
  })
})

describe('feedctl rollback', () => {
  it('lists the revisions and exits 2, naming the flag, where none is given', async () => {
    const result = await feedctl('rollback', 'ctp')
    expect(result.code).toBe(2)
    expect(result.out).toMatch(/^REVISION +STATE +AGE +IMAGE +CHANGES\n3\* +✓ good/)
    expect(result.err).toContain('feedctl rollback ctp --to N')
  })

  it('--to pins the revision, --release takes the line away again', async () => {
    expect((await feedctl('rollback', 'ctp', '--to', '1')).code).toBe(0)
    expect(await readFile(file, 'utf8')).toBe(`${manifest}  revision: 1\n`)
    expect((await feedctl('rollback', 'ctp', '--release')).code).toBe(0)
    expect(await readFile(file, 'utf8')).toBe(manifest)
  })

  it('refuses a revision that failed, with its reason and those that would do', async () => {
    const result = await feedctl('rollback', 'ctp', '--to', '2')
    expect(result.code).toBe(4)
    expect(result.err).toMatch(/revision 2 failed: ImageNotFound[\s\S]*can be rolled back to: 3, 1/)
  })
})

describe('feedctl retry, suspend, resume, rollout', () => {
  it('retry writes a token where a revision failed, and nothing where none did', async () => {
    expect((await feedctl('retry', 'ctp')).err).toContain('no revision has failed')
    world.change({ failedRevision: 2 })
    expect((await feedctl('retry', 'ctp')).code).toBe(0)
    expect(await readFile(file, 'utf8')).toContain('feedplane.dev/retry: token-1')
  })

  it('suspend and resume edit spec.suspend', async () => {
    expect((await feedctl('suspend', 'ctp')).code).toBe(0)
    expect(await readFile(file, 'utf8')).toBe(`${manifest}  suspend: true\n`)
    expect((await feedctl('resume', 'ctp')).code).toBe(0)
    expect(await readFile(file, 'utf8')).toBe(`${manifest}  suspend: false\n`)
  })

  it('suspend --wait on a suspended feed says so and exits 0', async () => {
    await writeFile(file, `${manifest}  suspend: true\n`)
    world.feed.spec.suspend = true
    expect(await feedctl('suspend', 'ctp', '--wait')).toMatchObject({
      code: 0,
      err: expect.stringContaining('it is suspended already'),
    })
  })

  it('rollout ends at once where the feed is Ready', async () => {
    const result = await feedctl('rollout', 'ctp')
    expect(result).toMatchObject({ code: 0, out: expect.stringContaining('✓ Done') })
  })

  it('rollout ends with 1 where a rollback left the feed stalled', async () => {
    world.change({ conditions: [ready('False', 'RolledBack', 'x'), stalled('RolledBack', 'revision 2 never logged in')] })
    expect((await feedctl('rollout', 'ctp')).code).toBe(1)
  })

  it('rollout waits for a feed that was declared a moment ago', async () => {
    world.hiddenFor = 2
    expect((await feedctl('rollout', 'ctp')).code).toBe(0)
  })

  it('rollout takes no Ready of before an edit that the controller has not read yet', async () => {
    await writeFile(file, manifest.replace('feed:1.0', 'feed:1.1'))
    const late = await feedctl('rollout', 'ctp', '--timeout', '200ms')
    expect(late).toMatchObject({ code: 3, out: expect.stringContaining('the controller has not read the edit yet') })
    world.onWatch = () => world.change({ generation: 2, observed: 2 })
    expect((await feedctl('rollout', 'ctp')).code).toBe(0)
  })

  it('rollout takes a Stalled about an older generation for no answer', async () => {
    world.change({ generation: 2, conditions: [stalled('RolledBack', 'old')] })
    expect((await feedctl('rollout', 'ctp', '--timeout', '200ms')).code).toBe(3)
  })
})

describe('feedctl get', () => {
  it('prints the columns of the kind, MESSAGE last', async () => {
    const { code, out } = await feedctl('get', 'feeds', '-n', 'production')
    expect(code).toBe(0)
    expect(out).toBe(
      'NAME  ACTIVE   REVISION  COVERAGE  TICKS/S  READY  MESSAGE\nctp   primary  3         0.999     3950.4   True   publishing\n',
    )
  })

  it('-A names the namespace, -o wide has more, -o name feeds pipes', async () => {
    expect((await feedctl('get', 'mf', '-A', '-o', 'wide')).out).toMatch(
      /^NAMESPACE +NAME .*EPOCH.*IMAGE.*MESSAGE\nproduction +ctp /,
    )
    expect((await feedctl('get', 'Feed', '-A', '-o', 'name')).out).toBe('feed/production/ctp\n')
  })

  it('-o json returns a List, or the object where one is named', async () => {
    expect(JSON.parse((await feedctl('get', 'feeds', '-A', '-o', 'json')).out)).toMatchObject({
      kind: 'List',
      items: [{ kind: 'Feed' }],
    })
    expect(JSON.parse((await feedctl('get', 'feed', 'ctp', '-o', 'json')).out)).toMatchObject({
      kind: 'Feed',
      metadata: { name: 'ctp' },
    })
    expect((await feedctl('get', 'feed', 'ctp', '-o', 'yaml')).out).toContain('kind: Feed\n')
  })

  it('-w -o json writes a line for each change until Ctrl-C', async () => {
    world.onWatch = () => world.change({ active: 'backup' })
    const interruption = new AbortController()
    const interrupt = (out: string) => void (out.includes('"active":"backup"') && interruption.abort())
    const result = await feedctlWatched(interruption.signal, interrupt, 'get', 'feeds', '-A', '-w', '-o', 'json')
    expect(result.code).toBe(130)
    expect(
      result.out
        .trim()
        .split('\n')
        .map(line => (JSON.parse(line) as ResourceView).status.active),
    ).toEqual(['primary', 'backup'])
  })

  it('names the kinds where the kind is unknown, and the way to a list where the name is', async () => {
    expect(await feedctl('get', 'pods')).toMatchObject({ code: 2, err: expect.stringContaining('feeds or mf') })
    expect(await feedctl('get', 'feed', 'nope')).toMatchObject({ code: 2, err: expect.stringContaining('feedctl get feeds -A') })
  })
})

describe('feedctl status', () => {
  it('has a line for each feed and exits 0 where all is well', async () => {
    const { code, out } = await feedctl('status')
    expect(code).toBe(0)
    expect(out).toMatch(/^1 feed: 1 Ready/)
    expect(out).toMatch(
      /✓ Ready +production\/ctp +open, closes 10:15 in 1h21m +primary \(declared\) +1998\/2000 99.9% +3,950 +backup live 2000 +3/,
    )
  })

  it('puts problems of the declarations on top, with file, line and column, and exits 1', async () => {
    world.source.problems.push({
      file: '/m/a.yaml',
      line: 3,
      column: 7,
      path: 'spec.image',
      reason: 'SchemaError',
      message: 'no tag',
      hint: 'write NAME:TAG',
    })
    const { code, out } = await feedctl('status')
    expect(code).toBe(1)
    expect(out.split('\n')[1]).toBe('✗ source /m/a.yaml:3:7 spec.image SchemaError: no tag; write NAME:TAG')
  })
})

describe('feedctl validate', () => {
  it('exits 0 for what is right, and says how much of it there is', async () => {
    const result = await feedctl('validate', join(import.meta.dirname, '../examples/quickstart'))
    expect(result).toMatchObject({ code: 0, err: expect.stringMatching(/^\d+ objects are right/) })
  })

  it('exits 1 with file, line and column of a problem', async () => {
    await writeFile(file, manifest.replace('active: primary', 'active: third'))
    const { code, out } = await feedctl('validate', file)
    expect(code).toBe(1)
    expect(out).toMatch(/^feeds\.yaml:10:\d+: spec\.credentials\.active: /)
  })

  it('writes JSON and JUnit for CI', async () => {
    await writeFile(file, manifest.replace('active: primary', 'active: third <&>'))
    const json = await feedctl('validate', file, '-o', 'json')
    expect(json.code).toBe(1)
    expect(JSON.parse(json.out)).toMatchObject({ problems: [{ file: 'feeds.yaml', line: 10, path: 'spec.credentials.active' }] })
    const junit = await feedctl('validate', file, '-o', 'junit')
    expect(junit.code).toBe(1)
    expect(junit.out).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?>\n<testsuites/)
    expect(junit.out).toContain('<testsuite name="feeds.yaml" tests="1" failures="1"')
    expect(junit.out).not.toContain('<&>')
  })
})

describe('feedctl describe, history, events, diff, explain', () => {
  it('describe tells declaration, conditions, revisions and events', async () => {
    world.emit({ reason: 'Started', message: 'container started' })
    const { code, out } = await feedctl('describe', 'feed', 'ctp')
    expect(code).toBe(0)
    for (const words of [
      `${file}:2`,
      'credentials.active',
      'Conditions:',
      'Revisions:',
      'image 1.1 -> 1.0',
      'container started',
      'primary -> backup, epoch 7',
      'Total:',
      'TICKS, 250,000 bytes of 1,000,000 (25%)',
      'recorder          12,345',
    ]) {
      expect(out).toContain(words)
    }
  })

  it('history lists revisions, with the reason of a failure', async () => {
    expect((await feedctl('history', 'ctp')).out).toContain('(ImageNotFound: feed:1.1)')
  })

  it('events -o json writes an event a line', async () => {
    world.emit({ reason: 'Started', message: 'container started' })
    expect(JSON.parse((await feedctl('events', 'ctp', '-o', 'json')).out)).toMatchObject({ reason: 'Started' })
  })

  it('events -w tells what happened while no stream was there, once', async () => {
    const interruption = new AbortController()
    world.emit({ reason: 'Before', message: 'listed' })
    world.onWatch = () => {
      if (world.watches === 1) {
        world.drop()
        world.emit({ reason: 'Between', message: 'while nobody was told' })
      } else world.emit({ reason: 'After', message: 'on the stream' })
    }
    const interrupt = (out: string) => void (out.includes('After') && interruption.abort())
    const { out } = await feedctlWatched(interruption.signal, interrupt, 'events', 'ctp', '-w', '-o', 'json')
    const reasons = out
      .trim()
      .split('\n')
      .map(line => (JSON.parse(line) as ResourceEvent).reason)
    expect(reasons).toEqual(['Before', 'Between', 'After'])
  })

  it('diff exits 0 where there is nothing to do and 1 with the plan where there is', async () => {
    expect(await feedctl('diff')).toMatchObject({ code: 0, out: '' })
    world.plan = [
      {
        kind: 'Feed',
        key: 'production/ctp',
        steps: [{ action: 'replace', target: 'production-ctp-r3', reason: 'image digest differs: a -> b' }],
        violations: [],
      },
    ]
    expect(await feedctl('diff', directory.path)).toMatchObject({
      code: 1,
      out: 'Feed production/ctp\n  ~ replace production-ctp-r3: image digest differs: a -> b\n',
    })
    expect(world.planned).toMatchObject([{ kind: 'Feed', metadata: { name: 'ctp' } }])
  })

  it('diff exits 2 for manifests that are not valid, with file, line and column', async () => {
    await writeFile(file, manifest.replace('active: primary', 'active: third'))
    expect(await feedctl('diff', directory.path)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/feeds\.yaml:10:\d+: spec\.credentials\.active/),
    })
  })

  it('diff exits 2 where a feed cannot be planned, with the reason', async () => {
    world.plan = [
      {
        kind: 'Feed',
        key: 'production/ctp',
        steps: [],
        violations: [{ reason: 'ProfileMissing', message: 'no FeedProfile live', path: 'spec.profileRef' }],
      },
    ]
    expect(await feedctl('diff')).toMatchObject({
      code: 2,
      out: expect.stringContaining('✗ ProfileMissing: no FeedProfile live (spec.profileRef)'),
    })
  })

  it('explain needs no controller', async () => {
    await world.stop()
    const { code, out } = await feedctl('explain', 'feed.credentials.active')
    expect(code).toBe(0)
    expect(out).toContain('primary | backup  default "primary"')
  })
})

describe('feedctl tail', () => {
  it('prints ticks until --limit and exits 0 where none is missing', async () => {
    world.ticks = [tickOf(1), tickOf(2), tickOf(3)]
    const { code, out, err } = await feedctl('tail', 'ctp', '--limit', '3', '--instrument', 'CZCE.AP010')
    expect(code).toBe(0)
    expect(out.split('\n')[1]).toMatch(/^09:00:00\.500 +CZCE\.AP010 +8001 +11 +8000 x 2 +- +1 +7 +primary$/)
    expect(err).toBe('3 ticks, 0 missing, 0 twice, 0 of a deposed publisher\n')
    expect(world.tapped).toBe('?instrument=AP010&limit=3')
  })

  it('names what is missing and what came twice, and exits 1', async () => {
    world.ticks = [tickOf(1), tickOf(4), tickOf(4)]
    const { code, err } = await feedctl('tail', 'ctp', '--limit', '3', '-o', 'json')
    expect(code).toBe(1)
    expect(err).toContain('AP010: 2 missing, sequence 2 to 3 (epoch 7)')
    expect(err).toContain('sequence 4 of epoch 7 came again or too late')
  })

  it('blames the look and not the feed where the tap dropped ticks', async () => {
    world.ticks = [tickOf(1), { dropped: 2 }, tickOf(4)]
    const { code, err } = await feedctl('tail', 'ctp', '--limit', '2')
    expect(code).toBe(0)
    expect(err).toContain('this look was too slow and lost 2 ticks; the feed did not')
  })

  it('says why there are no ticks, and counts no broken stream as a tick', async () => {
    const interruption = new AbortController()
    world.ticks = [{ dropped: 2 }, tickOf(4)]
    world.tapless = 1
    const interrupt = (out: string) => void (out.includes('CZCE.AP010') && interruption.abort())
    const { err } = await feedctlWatched(interruption.signal, interrupt, 'tail', 'ctp')
    expect(err).toContain('Not running: Feed production/ctp does not run')
    expect(err).toContain('lost 2 ticks')
  })
})

describe('the command line', () => {
  it('exits 2 for a verb, a flag or a value that is not there', async () => {
    expect((await feedctl('fly')).code).toBe(2)
    expect((await feedctl('get', 'feeds', '--bogus')).code).toBe(2)
    expect((await feedctl('failover', 'ctp', '--to', 'third')).code).toBe(2)
    expect((await feedctl('rollout', 'ctp', '--timeout', 'soon')).code).toBe(2)
  })

  it('exits 0 for --help', async () => {
    expect(await feedctl('--help')).toMatchObject({ code: 0, out: expect.stringContaining('Usage: feedctl') })
  })

  it('passes the words of a problem document on', async () => {
    world.refuse = { status: 403, body: { title: 'Forbidden', detail: 'read-only token' } }
    expect(await feedctl('status')).toMatchObject({ code: 4, err: expect.stringContaining('Forbidden: read-only token') })
  })
})

type Result = { code: number; out: string; err: string }

function feedctl(...args: string[]): Promise<Result> {
  return feedctlUntil(new AbortController().signal, ...args)
}

function feedctlUntil(signal: AbortSignal, ...args: string[]): Promise<Result> {
  return feedctlWatched(signal, () => undefined, ...args)
}

async function feedctlWatched(signal: AbortSignal, onOut: (text: string) => void, ...args: string[]): Promise<Result> {
  const written = { out: '', err: '' }
  let tokens = 0
  const code = await run(args, {
    terminal: {
      out: text => {
        written.out += text
        onOut(text)
      },
      err: text => {
        written.err += text
      },
      outColour: false,
      errColour: false,
      outInteractive: false,
      errInteractive: false,
      now: () => now,
    },
    signal,
    newToken: () => `token-${++tokens}`,
    defaults: {
      server: world.url,
      manifests: undefined,
      namespace: undefined,
      data: join(import.meta.dirname, '../examples/data'),
    },
    environment: {},
    directory: directory.path,
  })
  return { code, ...written }
}

function lineOf(text: string, line: number): string {
  return text.split('\n')[line - 1] ?? ''
}

// 08:54 in Shanghai on a Monday.
const now = Date.parse('2026-11-23T00:54:00Z')

function readyFeed(path: string): ResourceView {
  const spec = feed.spec.parse({
    hostRef: 'colo-1',
    profileRef: 'live',
    image: 'feed:1.0',
    credentials: { primary: 'a', backup: 'b' },
    subscriptions: ['all'],
  })
  return {
    apiVersion: 'feedplane.dev/v1alpha1',
    kind: 'Feed',
    metadata: { name: 'ctp', namespace: 'production', generation: 1 },
    spec: spec as Record<string, unknown>,
    status: {
      observedGeneration: 1,
      conditions: [ready('True', 'Converged', 'publishing')],
      active: 'primary',
      activeReason: 'Declared',
      epoch: 7,
      revision: 3,
      targetRevision: 3,
      subscriptions: { desired: 2000, acknowledged: 1998, ticking: 1990, rejected: 2, coverage: 0.999 },
      ticksPerSecond: 3950.4,
      market: { open: true, nextChange: '2026-11-23T02:15:00Z' },
      standby: { account: 'backup', state: 'live', acknowledged: 2000 },
      lastFailover: {
        from: 'primary',
        to: 'backup',
        epoch: 7,
        reason: 'Declared',
        at: '2026-11-22T00:00:00Z',
        totalMs: 41,
        phases: { closedMs: 3, openedMs: 7, firstTickMs: 41 },
      },
      consumers: {
        readAt: '2026-11-22T00:00:00Z',
        stream: { name: 'TICKS', bytes: 250_000, limitBytes: 1_000_000 },
        items: [
          { name: 'recorder', backlog: 12_345, unacknowledged: 6 },
          { name: '*', backlog: 0, unacknowledged: 0 },
        ],
        omitted: 0,
      },
    },
    origin: { file: path, line: 2 },
  }
}

function ready(status: Condition['status'], reason: string, message: string): Condition {
  return { type: 'Ready', status, reason, message, lastTransitionTime: '2026-11-23T00:00:00Z', observedGeneration: 1 }
}

function stalled(reason: string, message: string): Condition {
  return { ...ready('True', reason, message), type: 'Stalled' }
}

function reconciling(reason: string): Condition {
  return { ...ready('True', reason, 'on its way'), type: 'Reconciling' }
}

function tickOf(sequence: number): Partial<Tick> {
  return {
    feed: 'production/ctp',
    account: 'primary',
    epoch: 7,
    sequence,
    instrument: 'AP010',
    exchange: 'CZCE',
    exchangeTime: '2026-11-23T09:00:00.500+08:00',
    last: 8000 + sequence,
    volume: 10 + sequence,
    bids: [[8000, 2]],
    asks: [],
  }
}

const revisions: RevisionView[] = [
  {
    revision: 3,
    createdAt: now - 3_600_000,
    state: 'good',
    image: 'feed:1.0',
    digest: 'c',
    current: true,
    target: true,
    changes: ['image 1.1 -> 1.0'],
  },
  {
    revision: 2,
    createdAt: now - 7_200_000,
    state: 'failed',
    reason: 'ImageNotFound: feed:1.1',
    image: 'feed:1.1',
    digest: 'b',
    current: false,
    target: false,
    changes: [],
  },
  {
    revision: 1,
    createdAt: now - 9_000_000,
    state: 'good',
    image: 'feed:0.9',
    digest: 'a',
    current: false,
    target: false,
    changes: [],
  },
]

/** A controller's HTTP port with one feed, as far as feedctl asks it: the contract of controller/api/contract.ts. */
type World = {
  url: string
  feed: ResourceView
  source: SourceView
  plan: PlanView[]
  planned: unknown[]
  ticks: (Partial<Tick> | { dropped: number })[]
  /** Taps that are answered by a feed that does not run yet. */
  tapless: number
  /** Query of the last tap. */
  tapped: string
  refuse: { status: number; body: unknown } | undefined
  /** Lists of resources that do not hold the feed yet. */
  hiddenFor: number
  /** Watch streams that were opened so far. */
  watches: number
  /** Called once a watch stream has told the present state. */
  onWatch: () => void
  change(next: { generation?: number; observed?: number } & Record<string, unknown>): void
  emit(event: { reason: string; message: string }): void
  drop(): void
  stop(): Promise<void>
}

async function startWorld(first: ResourceView): Promise<World> {
  const events: ResourceEvent[] = []
  const streams = new Set<ServerResponse>()
  const send = (event: string, data: unknown) => {
    for (const stream of streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }
  const server = createServer((request, response) => void answer(self, events, streams, request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const self: World = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    feed: first,
    source: { type: 'directory', location: '/m', readAt: now, complete: true, problems: [] },
    plan: [],
    planned: [],
    ticks: [],
    tapless: 0,
    tapped: '',
    refuse: undefined,
    hiddenFor: 0,
    watches: 0,
    onWatch: () => undefined,
    change({ generation, observed, ...status }) {
      self.feed = structuredClone(self.feed)
      if (generation !== undefined) self.feed.metadata.generation = generation
      if (observed !== undefined) self.feed.status.observedGeneration = observed
      Object.assign(self.feed.status, status)
      send('resource', self.feed)
    },
    emit({ reason, message }) {
      const event: ResourceEvent = {
        sequence: events.length + 1,
        at: now,
        kind: 'Feed',
        key: 'production/ctp',
        type: 'Normal',
        reason,
        message,
        count: 1,
      }
      events.push(event)
      send('event', event)
    },
    drop() {
      for (const stream of streams) stream.destroy()
      streams.clear()
    },
    async stop() {
      server.closeAllConnections()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
  return self
}

async function answer(
  world: World,
  events: ResourceEvent[],
  streams: Set<ServerResponse>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', world.url)
  const json = (value: unknown, status = 200) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  if (world.refuse !== undefined) return void json(world.refuse.body, world.refuse.status)
  if (pathname === '/api/v1/resources' && world.hiddenFor-- > 0) return void json({ items: [] })
  if (pathname === '/api/v1/resources') return void json({ items: [world.feed].filter(view => matches(view, searchParams)) })
  if (pathname === '/api/v1/source') return void json(world.source)
  if (pathname === '/api/v1/events') return void json({ items: events })
  if (pathname === '/api/v1/feeds/production/ctp/revisions') return void json({ items: revisions })
  if (pathname === '/api/v1/plan') {
    world.planned = (JSON.parse(await text(request)) as { objects: unknown[] }).objects
    return void json({ items: world.plan })
  }
  if (pathname === '/api/v1/feeds/production/ctp/ticks' && world.tapless-- > 0)
    return void json({ title: 'Not running', detail: 'Feed production/ctp does not run' }, 503)
  if (pathname === '/api/v1/feeds/production/ctp/ticks') return tap(world, request, response)
  if (pathname !== '/api/v1/watch') return void json({ title: 'Not Found' }, 404)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(`: hello\n\nevent: resource\ndata: ${JSON.stringify(world.feed)}\n\n`)
  streams.add(response)
  world.watches += 1
  world.onWatch()
}

function tap(world: World, request: IncomingMessage, response: ServerResponse): void {
  world.tapped = new URL(request.url ?? '/', world.url).search
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const item of world.ticks)
    response.write(`event: ${'dropped' in item ? 'dropped' : 'tick'}\ndata: ${JSON.stringify(item)}\n\n`)
}

function matches(view: ResourceView, query: URLSearchParams): boolean {
  const fits = (name: string, value: string) => !query.has(name) || query.get(name) === value
  return fits('kind', view.kind) && fits('namespace', view.metadata.namespace) && fits('name', view.metadata.name)
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
