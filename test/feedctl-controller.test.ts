import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../controller/cli/program.ts'
import { type Controller, startController } from '../controller/controller.ts'
import type { FeedStatus } from '../crds/feed.ts'
import { temporaryDirectory } from './services/directory.ts'

// feedctl against the real controller: process engine, replay gateway, recorded ticks. The tests tell one story, in order.

const root = resolve(import.meta.dirname, '..')
const data = join(root, 'examples/data')

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let manifests: string
let file: string
let original: string
let controller: Controller

beforeAll(async () => {
  directory = await temporaryDirectory('feedctl-controller')
  manifests = join(directory.path, 'manifests')
  file = join(manifests, 'feed.yaml')
  await cp(join(root, 'examples/quickstart'), manifests, { recursive: true })
  original = await readFile(file, 'utf8')
  controller = await startController({
    manifests,
    stateDirectory: directory.path,
    dataDirectory: data,
    secretsDirectory: join(manifests, 'secrets'),
    dockerConfigFile: undefined,
    installationDirectory: root,
    environment: {},
    listen: { host: '127.0.0.1', port: 0 },
    concurrency: 2,
    resyncMs: 2000,
    version: 'test',
    log: pino({ level: 'silent' }),
  })
})

afterAll(async () => {
  await controller?.stop({ feeds: 'stop' })
  await directory?.remove()
})

describe('feedctl and the controller', () => {
  it('rollout follows a new feed until it shows live data', async () => {
    const { code, out, err } = await feedctl('rollout', 'demo', '--timeout', '60s')
    expect({ code, out, err }).toMatchObject({ code: 0, out: expect.stringContaining('✓ Done quickstart/demo') })
    await standbyLive()
    expect(await feedctl('status')).toMatchObject({ code: 0, out: expect.stringContaining('✓ Ready') })
  })

  it('diff finds nothing to do, and the steps of another image', async () => {
    expect(await feedctl('diff')).toMatchObject({ code: 0, out: '' })
    const other = join(directory.path, 'other.yaml')
    await writeFile(other, original.replace('feedplane/feed:1.0', 'feedplane/feed:broken'))
    const { code, out } = await feedctl('diff', other)
    expect(code).toBe(1)
    expect(out).toContain('image feedplane/feed:1.0 -> feedplane/feed:broken')
    expect(await readFile(file, 'utf8')).toBe(original)
  })

  it('failover edits one line and ends when the backup publishes; whoever tails misses no tick', async () => {
    const tail = feedctl('tail', 'demo', '--limit', '10')
    const { code, out } = await feedctl('failover', 'demo', '--wait')
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining(`${file}:10\n`) })
    expect(await readFile(file, 'utf8')).toBe(original.replace('active: primary', 'active: backup'))
    expect((await status()).active).toBe('backup')
    expect(await tail).toMatchObject({ code: 0, err: expect.stringContaining('10 ticks, 0 missing, 0 twice') })
  })

  it('failback brings the file back to what it was, byte for byte', async () => {
    expect(await feedctl('failback', 'demo', '--wait')).toMatchObject({ code: 0 })
    expect(await readFile(file, 'utf8')).toBe(original)
    expect((await status()).active).toBe('primary')
  })

  it('rollout right after an edit to a broken image ends with 1 and the reason, and status says what to do', async () => {
    await writeFile(file, original.replace('feedplane/feed:1.0', 'feedplane/feed:broken'))
    const { code, out } = await feedctl('rollout', 'demo', '--timeout', '60s')
    expect({ code, out }).toMatchObject({
      code: 1,
      out: expect.stringMatching(/✗ Failed quickstart\/demo: RolledBack: revision 2 failed/),
    })
    expect(await feedctl('status')).toMatchObject({
      code: 1,
      out: expect.stringMatching(/✗ Stalled.*1 \(2 failed\).*feedctl retry demo/),
    })
    expect(await feedctl('history', 'demo')).toMatchObject({ out: expect.stringMatching(/^2> +✗ failed[\s\S]*^1\* +✓ good/m) })
  })

  it('retry tries once more and does not take the Stalled of before for the answer', async () => {
    const { code, err } = await feedctl('retry', 'demo', '--wait', '--timeout', '60s')
    expect(code).toBe(1)
    expect(err).toMatch(/RetryRequested[\s\S]*Stalled ended[\s\S]*Stalled=True RolledBack/)
  })

  it('rollback pins the good revision although the image is still broken; released and mended it is Ready', async () => {
    expect(await feedctl('rollback', 'demo', '--to', '2')).toMatchObject({ code: 4 })
    expect(await feedctl('rollback', 'demo', '--to', '1', '--wait')).toMatchObject({ code: 0 })
    expect(await feedctl('status')).toMatchObject({ code: 0, out: expect.stringContaining('1 (pinned)') })
    await writeFile(file, (await readFile(file, 'utf8')).replace('feedplane/feed:broken', 'feedplane/feed:1.0'))
    expect(await feedctl('rollback', 'demo', '--release', '--wait')).toMatchObject({ code: 0 })
    expect((await status()).targetRevision).toBe(1)
  })

  it('suspend holds edits back until resume', async () => {
    expect(await feedctl('suspend', 'demo', '--wait')).toMatchObject({ code: 0 })
    expect(await feedctl('failover', 'demo', '--wait')).toMatchObject({ code: 4 })
    expect(await feedctl('failover', 'demo')).toMatchObject({
      code: 0,
      err: expect.stringContaining('takes effect after `feedctl resume demo`'),
    })
    expect((await status()).active).toBe('primary')
    expect(await feedctl('resume', 'demo', '--wait')).toMatchObject({ code: 0 })
    expect((await status()).active).toBe('backup')
  })

  it('stop ends the process in order and keeps its container; start goes on from there', async () => {
    const { epoch = 0 } = await status()
    expect(await feedctl('stop', 'demo', '--wait')).toMatchObject({ code: 0, out: expect.stringContaining('✓ Done') })
    expect(await readFile(file, 'utf8')).toContain('state: Stopped')
    expect(outputs()).toEqual([expect.stringContaining('the feed has stopped')])
    expect(await (await fetch(`${controller.url}/sd/feeds`)).json()).toEqual([])
    const metrics = await (await fetch(`${controller.url}/metrics`)).text()
    expect(metrics).toContain('feedplane_feed_condition{namespace="quickstart",feed="demo",type="Stopped",status="True"} 1')
    expect(await feedctl('status')).toMatchObject({ code: 0, out: expect.stringMatching(/■ Stopped.*feedctl start demo/) })
    expect(await feedctl('health')).toMatchObject({ code: 0, out: expect.stringContaining('✓ ok') })
    expect(await feedctl('stop', 'demo', '--wait')).toMatchObject({ code: 0, err: expect.stringContaining('nothing was edited') })
    expect(await feedctl('failback', 'demo', '--wait')).toMatchObject({ code: 1 })
    expect(await feedctl('start', 'demo', '--wait', '--timeout', '60s')).toMatchObject({ code: 0 })
    expect(await status()).toMatchObject({ active: 'primary' })
    expect((await status()).epoch).toBeGreaterThan(epoch)
  })

  it('describe tells the whole story', async () => {
    const { code, out } = await feedctl('describe', 'feed', 'demo')
    expect(code).toBe(0)
    for (const words of [`${file}:`, 'Last failover:', 'RolloutFailed', '✗ failed', 'DataFlowing']) expect(out).toContain(words)
  })
})

describe('feedctl as a program', () => {
  it('has no colour where NO_COLOR says so, and colour where FORCE_COLOR does', async () => {
    await standbyLive()
    const plain = await program({ NO_COLOR: '1' }, 'status')
    expect(plain).toMatchObject({ code: 0, out: expect.stringContaining('✓ Ready') })
    expect(plain.out).not.toContain('\u001b[')
    expect((await program({ FORCE_COLOR: '1' }, 'status')).out).toContain('\u001b[32m✓ Ready\u001b[39m')
  })

  it('ends with 130 on SIGINT', async () => {
    const child = start({}, 'tail', 'demo')
    await once(child.stdout, 'data')
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([130, null])
  })

  it('ends quietly where nobody reads on', async () => {
    const child = start({}, 'tail', 'demo')
    const complaints = text(child.stderr)
    await once(child.stdout, 'data')
    child.stdout.destroy()
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(await complaints).toBe('')
  })
})

/** What the containers that there are have written. */
function outputs(): string[] {
  const files = globSync('engines/*/workloads/*/output.log', { cwd: directory.path })
  return files.map(name => readFileSync(join(directory.path, name), 'utf8'))
}

type Result = { code: number; out: string; err: string }

async function feedctl(...args: string[]): Promise<Result> {
  const written = { out: '', err: '' }
  const code = await run(args, {
    terminal: {
      out: chunk => {
        written.out += chunk
      },
      err: chunk => {
        written.err += chunk
      },
      outColour: false,
      errColour: false,
      outInteractive: false,
      errInteractive: false,
      now: Date.now,
    },
    signal: AbortSignal.timeout(100_000),
    newToken: () => new Date().toISOString(),
    defaults: { server: controller.url, manifests: undefined, namespace: undefined, data },
    environment: {},
    directory: directory.path,
  })
  return { code, ...written }
}

async function status(): Promise<FeedStatus> {
  const { out } = await feedctl('get', 'feed', 'demo', '-o', 'json')
  return (JSON.parse(out) as { status: FeedStatus }).status
}

/** A command that waits does so for the account that publishes; `status` says Degraded until the other one is live too. */
async function standbyLive(): Promise<void> {
  await expect.poll(async () => (await status()).standby?.state, { timeout: 60_000, interval: 50 }).toBe('live')
}

function start(env: Record<string, string>, ...args: string[]) {
  const clean = { PATH: process.env.PATH, FEEDPLANE_SERVER: controller.url, ...env }
  return spawn(process.execPath, [join(root, 'controller/cli/feedctl.ts'), ...args], {
    env: clean,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function program(env: Record<string, string>, ...args: string[]): Promise<Result> {
  const child = start(env, ...args)
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code: code as number, out, err }
}
