// needs: promtool
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Controller, startController } from '../controller/controller.ts'
import { untilSettled } from '../controller/tour/watch.ts'

const root = resolve(import.meta.dirname, '..')
const page = readFileSync(join(root, 'docs/reference/metrics.md'), 'utf8')
let directory: string
let controller: Controller
const texts: Record<string, string> = {}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'feedplane-metrics-'))
  cpSync(join(root, 'examples/quickstart'), join(directory, 'manifests'), { recursive: true })
  controller = await startController({
    manifests: join(directory, 'manifests'),
    stateDirectory: join(directory, 'state'),
    dataDirectory: join(root, 'examples/data'),
    secretsDirectory: join(root, 'examples/quickstart/secrets'),
    installationDirectory: root,
    dockerConfigFile: undefined,
    environment: {},
    listen: { host: '127.0.0.1', port: 0 },
    concurrency: 4,
    resyncMs: 1000,
    version: '0.0.0',
    log: pino({ level: 'silent' }),
  })
  await untilSettled(controller.url, 'quickstart/demo', {}, AbortSignal.timeout(60_000))
  const targets = (await (await fetch(`${controller.url}/sd/feeds`)).json()) as { targets: string[] }[]
  texts.controller = await scrape(`${controller.url}/metrics`)
  texts.feed = await scrape(`http://${targets[0]?.targets[0]}/metrics`)
}, 90_000)

afterAll(async () => {
  await controller?.stop({ feeds: 'stop' })
  rmSync(directory, { recursive: true, force: true })
})

describe.each(['controller', 'feed'])('the metrics of the %s', which => {
  it('are what promtool wants', () => {
    const { status, stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], { input: texts[which], encoding: 'utf8' })
    expect(`${stdout}${stderr}`).toBe('')
    expect(status).toBe(0)
  })

  it('are all in the reference, with their types', () => {
    const types = [...(texts[which] ?? '').matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(
      ([, name, type]) => `| \`${name}\` | ${type} |`,
    )
    expect(types.length).toBeGreaterThan(10)
    expect(types.filter(row => !page.includes(row))).toEqual([])
  })

  it('have no label for an instrument', () => {
    expect(texts[which]).not.toMatch(/instrument="/)
  })
})

async function scrape(url: string): Promise<string> {
  const response = await fetch(url)
  expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
  return response.text()
}
