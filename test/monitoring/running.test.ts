// needs: docker, nats-server, prometheus, alertmanager, pushgateway
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { feedctl } from '../mainjob/feedctl.ts'
import { until } from '../services/deadline.ts'
import { seeFire } from './alertcase.ts'
import { representative } from './injections.ts'
import { lookAtPanels } from './panels.ts'
import { type MonitoringStage, startMonitoringStage } from './stage.ts'

let stage: MonitoringStage

beforeAll(async () => {
  stage = await startMonitoringStage()
}, 120_000)

afterAll(() => stage?.stop())

it('every target is up, the feed among them', async () => {
  const jobs = ['alertmanager', 'feedplane-controller', 'feedplane-feeds', 'prometheus', 'pushgateway']
  const up = async () => (await stage.prometheus.query('up == 1')).map(({ metric }) => metric.job).sort()
  await until('all targets', async () => (await up()).length === jobs.length)
  expect(await up()).toEqual(jobs)
})

describe('an alert fires, reaches the webhook and ends:', () => {
  it.each(representative)('$fault', async injection => {
    const ended = await seeFire(stage, injection)
    expect(await ended(60_000)).toHaveLength(injection.alerts.length)
  })
})

it('every panel of every dashboard has data', async () => {
  await feedctl(stage.controller.url, 'health', '--push', stage.pushgateway.url)
  const shown = await lookAtPanels(stage)
  expect(shown.filter(({ series }) => series === 0)).toEqual([])
})
