import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isLong } from '../long.ts'
import { nameOf, runSequence, sequences } from './sequence.ts'
import { type Ground, type ModelStage, openModelStage } from './stage.ts'

/** The same in every run, so that a failure is the change's; others are for whoever looks for more. */
const seed = Number(process.env.FEEDPLANE_SEED ?? 1)

/**
 * Sequences of what operators and fate do, those of controller/kinds/feed/model.test.ts, on a real engine: so many of them, and more where
 * there is time.
 */
export function describeModel(where: string, open: (state: string) => Promise<Ground>, few: number, many: number): void {
  describe(`a feed on ${where}, whatever happens`, () => {
    let stage: ModelStage
    beforeAll(async () => {
      stage = await openModelStage(open)
      expect((await stage.controller.settled(stage.key)).state).toBe('done')
    }, 300_000)
    afterAll(() => stage?.stop())

    const all = sequences(isLong ? many : few, seed).map(moves => ({ moves, name: nameOf(moves) }))
    it.each(all)('converges after: $name', async ({ moves }) => {
      stage.setDeclared(true)
      await runSequence(stage, moves)
    })
  })
}
