import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isLong } from './long.ts'
import { openProcessGround } from './model/processground.ts'
import { nameOf, runSequence, sequences } from './model/sequence.ts'
import { type ModelStage, openModelStage } from './model/stage.ts'

// Sequences of what operators and fate do, as controller/kinds/feed/model.test.ts has them on the simulated engine, on real processes.

/** The same in every run, so that a failure is the change's; others are for whoever looks for more. */
const seed = Number(process.env.FEEDPLANE_SEED ?? 1)

let stage: ModelStage
beforeAll(async () => {
  stage = await openModelStage(openProcessGround)
  expect((await stage.controller.settled(stage.key)).state).toBe('done')
})
afterAll(() => stage?.stop())

describe('a feed on processes, whatever happens', () => {
  it.each(sequences(isLong ? 40 : 2, seed).map(moves => ({ moves, name: nameOf(moves) })))(
    'converges after: $name',
    async ({ moves }) => {
      stage.setDeclared(true)
      await runSequence(stage, moves)
    },
  )
})
