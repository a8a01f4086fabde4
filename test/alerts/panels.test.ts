// needs: docker, nats-server, prometheus, alertmanager, pushgateway
import { afterAll, beforeAll, expect, it, type TaskMeta } from 'vitest'
import { feedctl } from '../mainjob/feedctl.ts'
import { type Seen, seeFire } from '../monitoring/alertcase.ts'
import { representative } from '../monitoring/injections.ts'
import { lookAtPanels, type Shown } from '../monitoring/panels.ts'
import { type MonitoringStage, startMonitoringStage } from '../monitoring/stage.ts'
import { endMs } from './suite.ts'

declare module 'vitest' {
  interface TaskMeta {
    panels?: Shown[]
  }
}

let stage: MonitoringStage

beforeAll(async () => {
  stage = await startMonitoringStage()
})

afterAll(() => stage?.stop())

it('every panel of every dashboard shows data, once something has happened', async ({ task }) => {
  const ends = []
  for (const injection of representative) ends.push(await seeFire(stage, injection))
  await feedctl(stage.controller.url, 'health', '--push', stage.pushgateway.url)
  const shown = await lookAtPanels(stage)
  expect(shown.filter(({ series }) => series === 0)).toEqual([])
  const seen = await Promise.all(ends.map(ended => ended(endMs)))
  note(task.meta, shown, seen.flat())
})

function note(meta: TaskMeta, shown: Shown[], seen: Seen[]): void {
  meta.panels = shown
  meta.alerts = seen
}
