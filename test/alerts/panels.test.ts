// needs: nats-server, prometheus, alertmanager, pushgateway
import { afterAll, beforeAll, expect, it, type TaskMeta } from 'vitest'
import { feedctl } from '../mainjob/feedctl.ts'
import { seeFire } from '../monitoring/alertcase.ts'
import { representative } from '../monitoring/injections.ts'
import { lookAtPanels, type Shown } from '../monitoring/panels.ts'
import { type MonitoringStage, startMonitoringStage } from '../monitoring/stage.ts'

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
  for (const injection of representative) await seeFire(stage, injection)
  await feedctl(stage.controller.url, 'health', '--push', stage.pushgateway.url)
  const shown = await lookAtPanels(stage)
  expect(shown.filter(({ series }) => series === 0)).toEqual([])
  note(task.meta, shown)
})

function note(meta: TaskMeta, shown: Shown[]): void {
  meta.panels = shown
}
