import { it, type TaskMeta } from 'vitest'
import { until } from '../services/deadline.ts'
import { expectInvariants, type Settlement, settlementOf } from './invariants.ts'
import { isReady } from './observation.ts'
import type { World } from './world.ts'

/** A row of the fault matrix, as `docs/reference/faults.md` has it. */
export type Row = {
  number: number
  fault: string
  /** How it is injected here. */
  injected: string
  /** What the test asserts beside the invariants. */
  holds: string
}

/** What a row's body gets beside its world: the moment from which on the fault is counted. */
export type Watch = {
  world: World
  /** Waits until every feed is Ready, or `waits` longer, and takes what must be the same afterwards. Call it once, before the fault. */
  settled(): Promise<Settlement>
}

declare module 'vitest' {
  interface TaskMeta {
    row?: Row
  }
}

/** Of the controller's log, where a row did not hold. */
const logTailBytes = 12_000

/**
 * A test of one row. The body opens its world by `open`, brings it to rest, injects the fault and asserts what it must lead to; then the
 * invariants are asserted, and the world is closed in any case.
 */
export function row(of: Row, open: () => Promise<World>, body: (watch: Watch) => Promise<void>, timeoutMs = 120_000): void {
  it(`${of.number}: ${of.fault}`, { timeout: timeoutMs }, async ({ task }) => {
    note(task.meta, of)
    const world = await open()
    try {
      let before: Settlement | undefined
      const settled = async () => {
        before = await settlementOf(world)
        return before
      }
      await body({ world, settled })
      await until('the feeds to be Ready', () => isReady(world), 90_000)
      await expectInvariants(world, before)
    } catch (error) {
      console.error(world.controller.log.slice(-logTailBytes))
      throw error
    } finally {
      // Whatever it fails on must not hide why the row did not hold.
      await world.close().catch(error => console.error('left behind:', error))
    }
  })
}

function note(meta: TaskMeta, of: Row): void {
  meta.row = of
}
