import { expect } from 'vitest'
import { until } from '../services/deadline.ts'
import type { Injection } from './injections.ts'
import { alerts } from './rules.ts'
import type { MonitoringStage } from './stage.ts'
import type { Notice } from './webhook.ts'

const annotations = ['summary', 'description', 'remediation', 'runbook_url', 'dashboard_url']
const fireMs = 60_000

/** What was seen of an alert, seconds after the fault and after its end. */
export type Seen = { alert: string; fault: string; firedAfterS: number; arrivedAfterS: number; clearedAfterS?: number }

/**
 * Brings a fault about and waits until its alerts fire in Prometheus and reach the webhook, complete and with a page that is there; then
 * takes the cause away. Answers what waits for the end of each.
 */
export async function seeFire(stage: MonitoringStage, { fault, alerts: names, inject, mend }: Injection) {
  const known = stage.webhook.notices.length
  const begin = performance.now()
  await inject(stage)
  const arrivals: { entry: Seen; place: number }[] = []
  for (const alert of names) {
    await until(`${alert} to fire`, () => isFiring(stage, alert), fireMs)
    const firedAfterS = secondsSince(begin)
    const notice = await until(`${alert} to arrive`, () => noticeOf(stage, alert, 'firing', known), fireMs)
    await expectComplete(notice)
    const entry = { alert, fault, firedAfterS, arrivedAfterS: secondsSince(begin) }
    arrivals.push({ entry, place: stage.webhook.notices.indexOf(notice) })
  }
  await mend(stage)
  const mended = performance.now()
  /** Waits until the alerts are over, and have been told to be: word of an earlier end may come late, and does not count. */
  return async (deadlineMs: number): Promise<Seen[]> => {
    for (const { entry, place } of arrivals) {
      await until(`${entry.alert} to be over`, () => noticeOf(stage, entry.alert, 'resolved', place), deadlineMs)
      entry.clearedAfterS = secondsSince(mended)
    }
    return arrivals.map(({ entry }) => entry)
  }
}

export async function isFiring({ prometheus }: MonitoringStage, alert: string): Promise<boolean> {
  return (await prometheus.query(`ALERTS{alertname="${alert}",alertstate="firing"}`)).length > 0
}

function noticeOf({ webhook }: MonitoringStage, alert: string, status: Notice['status'], after: number): Notice | undefined {
  return webhook.notices.slice(after).find(notice => notice.labels.alertname === alert && notice.status === status)
}

async function expectComplete({ receiver, labels, annotations: told }: Notice): Promise<void> {
  const rule = alerts.find(({ alert }) => alert === labels.alertname)
  expect(labels).toMatchObject({ environment: 'test', severity: rule?.labels.severity })
  expect(labels.grafana).toBeUndefined()
  expect(receiver).toBe(labels.severity === 'critical' ? 'pager' : 'channel')
  expect(Object.keys(told).sort()).toEqual([...annotations].sort())
  expect(Object.values(told).filter(text => text === '' || /<no value>|error expanding|[{}]/.test(text))).toEqual([])
  expect(told.dashboard_url).toMatch(/^http:\/\/127\.0\.0\.1:3000\/d\/feedplane-/)
  const page = await (await fetch(told.runbook_url ?? '')).text()
  expect(page.split('\n')[0]).toBe(`# ${labels.alertname}`)
}

const secondsSince = (begin: number): number => Math.round((performance.now() - begin) / 1000)
