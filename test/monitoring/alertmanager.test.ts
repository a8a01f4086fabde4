// needs: alertmanager
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startAlertmanager } from '../services/alertmanager.ts'
import { until } from '../services/deadline.ts'
import { temporaryDirectory } from '../services/directory.ts'
import { alerts } from './rules.ts'
import { shortenedAlertmanager } from './shortened.ts'
import { startWebhook } from './webhook.ts'

const file = resolve(import.meta.dirname, '../../compose/alertmanager/alertmanager.yml')

function amtool(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('amtool', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${stdout}${stderr}`)
  return stdout.trim()
}

describe('the configuration of the Alertmanager', () => {
  it('is what amtool wants', () => {
    expect(amtool('check-config', file)).toContain('SUCCESS')
  })

  it.each([
    ['critical', 'pager'],
    ['warning', 'channel'],
    ['info', 'channel'],
  ])('sends what is %s to the %s', (severity, receiver) => {
    const labels = [`severity=${severity}`, 'alertname=FeedplaneFeedStale', 'environment=production', 'namespace=production']
    expect(amtool('config', 'routes', 'test', `--config.file=${file}`, ...labels)).toBe(receiver)
  })

  it('explains alerts that there are by alerts that there are', () => {
    const named = readFileSync(file, 'utf8').match(/Feedplane\w+/g) ?? []
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter(name => !alerts.some(({ alert }) => alert === name))).toEqual([])
  })
})

describe('a running Alertmanager', () => {
  it('tells the cause and not what follows from it, all of a feed in one message, by the address in the file', async () => {
    const [webhook, directory] = await Promise.all([startWebhook(), temporaryDirectory('webhook')])
    onTestFinished(directory.remove)
    onTestFinished(webhook.stop)
    const urlFile = join(directory.path, 'webhook-url')
    await writeFile(urlFile, webhook.url)
    const alertmanager = await startAlertmanager(shortenedAlertmanager(urlFile))
    onTestFinished(alertmanager.stop)
    const alert = (alertname: string, severity: string, feed: string) => ({
      labels: { alertname, severity, environment: 'production', namespace: 'production', feed },
    })
    await alertmanager.post([
      alert('FeedplaneBusAway', 'critical', 'ctp'),
      alert('FeedplaneLatencyHigh', 'warning', 'ctp'),
      alert('FeedplaneGaps', 'warning', 'ctp'),
      alert('FeedplaneLatencyHigh', 'warning', 'opt'),
    ])
    const told = () => webhook.notices.map(({ receiver, labels }) => `${receiver}: ${labels.feed} ${labels.alertname}`).sort()
    await until('three notices', () => webhook.notices.length >= 3)
    expect(told()).toEqual(['channel: ctp FeedplaneGaps', 'channel: opt FeedplaneLatencyHigh', 'pager: ctp FeedplaneBusAway'])
  })
})
