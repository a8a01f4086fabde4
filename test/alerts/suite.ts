import { afterAll, beforeAll, it, type TaskMeta } from 'vitest'
import { type Seen, seeFire } from '../monitoring/alertcase.ts'
import type { Injection } from '../monitoring/injections.ts'
import { type MonitoringStage, type StageOptions, startMonitoringStage } from '../monitoring/stage.ts'
import { until } from '../services/deadline.ts'

declare module 'vitest' {
  interface TaskMeta {
    alerts?: Seen[]
  }
}

/** What happened within a window of 15 s is over after it, and some seconds of scrapes and rules. */
export const endMs = 120_000

/** One fault after the other on one stage, which is quiet before each: an alert that is on may explain another one away. */
export function bringAbout(faults: Injection[], options: StageOptions = {}): void {
  let stage: MonitoringStage

  beforeAll(async () => {
    stage = await startMonitoringStage(options)
  })

  afterAll(() => stage?.stop())

  it.for(faults)('$fault', async (injection, { task }) => {
    const ended = await seeFire(stage, injection)
    note(task.meta, await ended(endMs))
    await until('all alerts to be over', async () => (await firing(stage)).length === 0, endMs)
  })
}

async function firing({ prometheus }: MonitoringStage): Promise<unknown[]> {
  return prometheus.query('ALERTS{alertstate="firing"}')
}

function note(meta: TaskMeta, seen: Seen[]): void {
  meta.alerts = seen
}
