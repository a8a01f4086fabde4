import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStage, type Stage } from '../../simulation/stage.ts'
import type { FeedMemory, Rollout } from '../../store/memory.ts'
import type { RevisionState } from '../../store/revision.ts'
import { idle } from './decision.ts'
import type { FeedInput } from './input.ts'
import { retire } from './retention.ts'

let stage: Stage
let input: FeedInput
beforeEach(async () => {
  stage = await openStage()
  await stage.pass(60_000)
  input = await stage.input()
})
afterEach(() => stage.close())

/** The feed of the stage keeps four. */
function forgotten(states: RevisionState[], memory: Partial<FeedMemory>, change: Partial<FeedInput> = {}): number[] {
  const [sample] = input.revisions
  if (!sample) throw new Error('there is no revision')
  const revisions = states.map((state, index) => ({ ...sample, state, number: index + 1 }))
  const seen = { ...input, revisions, ...change }
  return retire(idle({ epoch: 1, hosts: [], requests: {}, ...memory }), seen).forgotten
}

const serving = (revision: number) => ({ serving: { host: 'h1', container: 'x', revision } })
const six: RevisionState[] = ['good', 'good', 'failed', 'failed', 'failed', 'failed']

describe('history', () => {
  it('is left alone up to its limit', () => {
    expect(forgotten(['good', 'good', 'good', 'good'], serving(4))).toEqual([])
  })

  it('forgets the oldest beyond it', () => {
    expect(forgotten(['good', 'good', 'good', 'good', 'good', 'good'], serving(6))).toEqual([1, 2])
  })

  it('never forgets what serves, nor the newest good one', () => {
    expect(forgotten(six, serving(1))).toEqual([])
  })

  it('never forgets what is pinned, in progress or failed last', async () => {
    const rollout = { rollout: { ...fresh, revision: 1 } }
    expect(forgotten(six, { ...serving(6), ...rollout })).toEqual([])
    const failure = { revision: 1, inputsDigest: '', reason: '', message: '', at: 0 }
    expect(forgotten(six, { ...serving(6), failure })).toEqual([])
    stage.edit({ revision: 1 })
    expect(forgotten(six, serving(6), { declared: (await stage.input()).declared })).toEqual([])
  })
})

const fresh: Rollout = {
  ...{
    phase: 'preparing' as const,
    revision: 1,
    container: 'x',
    startedAt: 0,
    phaseSince: 0,
    deadline: 0,
    seenAt: 0,
    restartsBefore: 0,
    reason: '',
  },
}
