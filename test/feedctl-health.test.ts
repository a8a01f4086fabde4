// needs: pushgateway, promtool
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Attempt, HealthReport } from '../controller/cli/healthreport.ts'
import { openSubscriptionStage, type SubscriptionStage } from './feedctl/subscriptionstage.ts'
import { until } from './services/deadline.ts'
import { checkMetrics } from './services/prometheus.ts'
import { type Pushgateway, startPushgateway } from './services/pushgateway.ts'

// feedctl health on the real controller and a real Pushgateway, with a feed on the simulator that does not know two of 42 instruments.
// The tests tell one story, in order.

let stage: SubscriptionStage
let gateway: Pushgateway
const health = (...args: string[]) => stage.feedctl('health', ...args)
const reportOf = ({ out }: { out: string }) => JSON.parse(out) as HealthReport

beforeAll(async () => {
  ;[stage, gateway] = await Promise.all([openSubscriptionStage(), startPushgateway()])
  expect(await stage.feedctl('rollout', 'demo', '--timeout', '60s')).toMatchObject({ code: 0 })
}, 90_000)

afterAll(async () => {
  await stage?.stop()
  await gateway?.stop()
})

describe('feedctl health', () => {
  it('is an error below the threshold, says what enforce would do, and edits nothing', async () => {
    const { code, out, err } = await health('demo')
    expect({ code, err }).toEqual({ code: 2, err: '' })
    expect(out).toMatch(/^✗ error +quickstart\/demo +open +95\.2% +0 +0 +2 .*coverage 95\.2% of 99\.5% -> feedctl subscriptions/m)
    expect(out).toContain('--mode enforce would ask again for quarantined')
    expect(await readFile(stage.file, 'utf8')).toBe(stage.original)
  })

  it('is a warning where some are refused within it', async () => {
    const result = await health('--threshold', '0.9', '-o', 'json')
    expect({ code: result.code, report: reportOf(result) }).toMatchObject({
      code: 1,
      report: { level: 'warning', feeds: [{ feed: 'quickstart/demo', desired: 42, rejected: 2, missing: 0, stalled: 0 }] },
    })
  })

  it('audits: names every instrument that is not as it should be, in JSON; CSV has a line a feed', async () => {
    const [feed] = reportOf(await health('--mode', 'audit', '-o', 'json')).feeds
    expect(feed?.instruments).toMatchObject([
      { instrument: 'zz2512', account: 'primary', state: 'quarantined', reason: expect.stringContaining('16:') },
      { instrument: 'zz2901', account: 'primary', state: 'quarantined' },
    ])
    const lines = (await health('-o', 'csv')).out.trimEnd().split('\r\n')
    expect(lines).toHaveLength(2)
    expect(lines[1]).toMatch(/^quickstart\/demo,error,Ready,open,primary,0\.95\d*,42,40,0,0,2,\d+,false,0,/)
  })

  it('enforces: has silent instruments asked for again, and is content when they tick', async () => {
    await stage.order({ stall: { all: true } })
    const stalled = ['--threshold', '0.9', '--stalled-after', '2s', '-o', 'json']
    await until('all to be silent', async () => reportOf(await health(...stalled)).feeds[0]?.stalled === 40)
    await stage.order({ resume: true })
    const result = await health('--mode', 'enforce', ...stalled)
    expect({ code: result.code, report: reportOf(result) }).toMatchObject({
      code: 1,
      report: { feeds: [{ stalled: 0, attempts: [{ token: expect.stringMatching(/^health-1-.*state=silent/) }] }] },
    })
  })

  it('reports what it saw and asked for where the time is over before the feed can be well', async () => {
    const { code, ...result } = await health('--mode', 'enforce', '--backoff', '60s', '--timeout', '5s', '-o', 'json')
    const feed = { rejected: 2, attempts: [{ token: expect.stringMatching(/^health-2-.*state=quarantined/) }] }
    expect({ code, out: result.out && reportOf(result) }).toMatchObject({ code: 2, out: { feeds: [feed] } })
    expect(result.err).toContain('--timeout 5s is over; this is how it was seen last')
  })

  it('enforces three times at most, over all runs of an hour, and then escalates', async () => {
    const enforce = ['--mode', 'enforce', '--backoff', '200ms', '-o', 'json']
    const attempts: Attempt[] = []
    await until('all tries to be made', async () => {
      const { code, ...result } = await health(...enforce)
      const [feed] = reportOf(result).feeds
      expect({ code, feed }).toMatchObject({ code: 2, feed: { escalation: 'feedctl subscriptions quickstart/demo' } })
      attempts.push(...(feed?.attempts ?? []))
      return attempts.some(attempt => 'refused' in attempt)
    })
    expect(attempts).toMatchObject([
      { token: expect.stringMatching(/^health-3-.*state=quarantined/) },
      { refused: expect.stringContaining('3 tries') },
    ])
    await until(
      'the request to be carried out',
      async () => (await stage.requests()).resubscribe?.startsWith('health-3-') ?? false,
    )
    const before = await readFile(stage.file, 'utf8')
    expect(reportOf(await health(...enforce)).feeds[0]?.attempts).toMatchObject([{ refused: expect.any(String) }])
    expect(await readFile(stage.file, 'utf8')).toBe(before)
  })

  it('pushes its metrics, which promtool takes', async () => {
    expect(await health('--push', gateway.url)).toMatchObject({ code: 2, err: '' })
    const lines = (await gateway.metrics()).split('\n').filter(line => /feedctl_health/.test(line))
    const value = (name: string) =>
      lines
        .find(line => line.startsWith(`${name}{`))
        ?.split(' ')
        .at(-1)
    expect(Number(value('md_subscription_coverage_ratio'))).toBeCloseTo(40 / 42)
    expect(value('md_subscription_missing_total')).toBe('0')
    expect(value('md_subscription_stalled_total')).toBe('0')
    expect(value('feed_failover_required')).toBe('0')
    expect(value('md_runbook_exit_code')).toBe('2')
    expect(Number(value('md_health_last_run_timestamp_seconds'))).toBeGreaterThan(Date.now() / 1000 - 60)
    expect(await checkMetrics((await gateway.metrics()).split('\n').filter(isOurs).join('\n').concat('\n'))).toBe('')
  })

  it('keeps its verdict where nobody takes the metrics, and says so', async () => {
    expect(await health('--threshold', '0.9', '--push', 'http://127.0.0.1:1')).toMatchObject({
      code: 1,
      err: expect.stringContaining('the Pushgateway at 127.0.0.1:1 does not answer'),
    })
  })

  it('is trouble where the feed is not declared, or time is over', async () => {
    expect(await health('nobody')).toMatchObject({ code: 2, err: expect.stringContaining('there is no Feed nobody') })
    expect(await health('--timeout', '1ms', '--push', gateway.url)).toMatchObject({
      code: 2,
      err: expect.stringContaining('within 1ms'),
    })
    expect(await gateway.metrics()).toMatch(/^md_runbook_exit_code\{.*runbook="health".*\} 2$/m)
  })
})

const isOurs = (line: string) => /\b(md_|feed_)/.test(line)
