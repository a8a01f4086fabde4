// needs: pushgateway, promtool
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PreflightReport } from '../controller/cli/preflightreport.ts'
import { openSubscriptionStage, type SubscriptionStage } from './feedctl/subscriptionstage.ts'
import { until } from './services/deadline.ts'
import { freePorts } from './services/port.ts'
import { checkMetrics } from './services/prometheus.ts'
import { type Pushgateway, startPushgateway } from './services/pushgateway.ts'

// feedctl preflight on the real controller, and what the controller itself refuses. The tests tell one story, in order.

let stage: SubscriptionStage
let gateway: Pushgateway
let front: Server | undefined
const preflight = (...args: string[]) => stage.feedctl('preflight', ...args)

beforeAll(async () => {
  ;[stage, gateway] = await Promise.all([openSubscriptionStage(), startPushgateway()])
  expect(await stage.feedctl('rollout', 'demo', '--timeout', '60s')).toMatchObject({ code: 0 })
}, 90_000)

afterAll(async () => {
  front?.close()
  await stage?.stop()
  await gateway?.stop()
})

const checksOf = ({ out }: { out: string }) => (JSON.parse(out) as PreflightReport).feeds[0]?.checks ?? []
const checkOf = (result: { out: string }, name: string) => checksOf(result).find(({ check }) => check === name)

describe('feedctl preflight', () => {
  it('is go with the evidence of each check; strictly it is not, for want of a drill', async () => {
    const { code, out } = await preflight()
    expect({ code, out }).toMatchObject({
      code: 0,
      out: expect.stringMatching(/✓ ok +quickstart\/demo +fronts +\d take a connection/),
    })
    expect(out).toMatch(/! warning +quickstart\/demo +drill .*not proven.* -> docs/)
    expect(out.trimEnd().split('\n').at(-1)).toBe('✓ go')
    expect(await preflight('--strict')).toMatchObject({ code: 1, out: expect.stringContaining('✗ no go: quickstart/demo') })
  })

  it('is no go where a part of the backup account is missing, says which, and pushes that', async () => {
    const secret = join(stage.manifests, 'secrets/backup/PASSWORD')
    const before = await readFile(secret, 'utf8')
    await writeFile(secret, '')
    await until('the loss to be seen', async () => checkOf(await preflight('-o', 'json'), 'credentials')?.level === 'no-go')
    const result = await preflight('demo', '-o', 'json', '--push', gateway.url)
    expect({ code: result.code, found: checkOf(result, 'credentials') }).toMatchObject({
      code: 1,
      found: { evidence: expect.stringContaining('PASSWORD'), todo: expect.stringContaining('feedctl describe credentials') },
    })
    const lines = (await gateway.metrics()).split('\n').filter(line => /feedplane_preflight/.test(line))
    expect(lines.find(line => line.startsWith('feedplane_preflight_go{'))).toMatch(/feed="demo".*namespace="quickstart".* 0$/)
    expect(await checkMetrics(`${lines.join('\n')}\n`)).toBe('')
    await writeFile(secret, before)
    await until('it to be whole again', async () => (await preflight()).code === 0)
  })

  it('is trouble where the controller cannot be asked', async () => {
    expect(await stage.feedctl('--server', 'http://127.0.0.1:1', 'preflight')).toMatchObject({ code: 2 })
    expect(await preflight('nobody')).toMatchObject({ code: 2, err: expect.stringContaining('there is no Feed nobody') })
  })
})

describe('the controller', () => {
  it('does not start a live feed without a front, says why, and starts it when there is one', async () => {
    const [port = 0] = await freePorts(1)
    const profile = join(stage.manifests, 'profile.yaml')
    expect(await stage.feedctl('stop', 'demo', '--wait')).toMatchObject({ code: 0 })
    const fronts = { primary: [`tcp://127.0.0.1:${port}`], backup: [`tcp://127.0.0.1:${port}`] }
    const object = JSON.parse(await readFile(profile, 'utf8')) as { spec: { gateway: object } }
    object.spec.gateway = { type: 'ctp', fronts }
    await writeFile(profile, JSON.stringify(object))
    const { code, out } = await stage.feedctl('start', 'demo', '--wait', '--timeout', '30s')
    expect({ code, out }).toMatchObject({ code: 1, out: expect.stringMatching(/PreflightNoGo: .*ECONNREFUSED/) })
    const metrics = async () => (await fetch(`${stage.controller.url}/metrics`)).text()
    expect(await metrics()).toContain('feedplane_preflight_go{namespace="quickstart",feed="demo"} 0')
    const started = async () => (await stage.feedctl('events', 'demo')).out.includes('PreflightGo')
    expect(await started()).toBe(false)
    front = createServer(socket => socket.destroy()).listen(port, '127.0.0.1')
    await until('the feed to be started', started)
    await until('it to be told', async () => !(await metrics()).includes('feedplane_preflight_go{'))
  })
})
