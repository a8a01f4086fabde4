// needs: docker, compose, nats-server, prometheus, alertmanager, pushgateway
import { afterAll, beforeAll, it, type TaskMeta } from 'vitest'
import { type Seen, seeFire } from '../monitoring/alertcase.ts'
import { others, representative } from '../monitoring/injections.ts'
import { key, type MonitoringStage, startMonitoringStage } from '../monitoring/stage.ts'

declare module 'vitest' {
  interface TaskMeta {
    alerts?: Seen[]
  }
}

/** Windows of up to a quarter of an hour must pass before an alert on what happened is over. */
const longestEndMs = 20 * 60_000

const ends: (() => Promise<Seen[]>)[] = []
let stage: MonitoringStage

beforeAll(async () => {
  stage = await startMonitoringStage()
})

afterAll(() => stage?.stop())

// One after the other on one stage. What each leads to is waited for at the end, because it takes minutes.
it.each([...representative, ...others])('$fault', async injection => {
  const ended = await seeFire(stage, injection)
  ends.push(() => ended(longestEndMs))
  await stage.controller.settled(key)
})

it('every alert ends', { timeout: longestEndMs + 60_000 }, async ({ task }) => {
  const seen = await Promise.all(ends.map(end => end()))
  note(task.meta, seen.flat())
})

function note(meta: TaskMeta, seen: Seen[]): void {
  meta.alerts = seen
}
