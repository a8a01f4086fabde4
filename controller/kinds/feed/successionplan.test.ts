import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { feedKey, imageReference, openStage, type Stage } from '../../simulation/stage.ts'
import { plan } from './plan.ts'

// What is decided in each phase of a handover, as a function of what is seen: nothing is carried out here.

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
  stage.edit({ strategy: 'Handover' })
  stage.present.add(imageReference('slow'))
  await stage.pass(60_000)
  stage.edit({ image: 'slow' })
})
afterEach(() => stage.close())

/** Time goes on and nobody looks: what a look would decide now. */
async function decided(afterMs = 0) {
  stage.clock.goTo(stage.clock.now() + afterMs)
  const input = await stage.input()
  const { memory, steps, notes, revisions } = plan(input)
  expect(plan(input), 'a function of its input').toMatchObject({ memory, steps, notes, revisions })
  const { rollout, serving, epoch } = memory
  return {
    phase: rollout?.phase,
    movesGate: rollout?.movesGate ?? false,
    serving: serving?.revision,
    epoch,
    steps: steps.map(step => `${step.action}${'container' in step ? ` ${step.container}` : ''}`),
    notes: notes.map(({ reason }) => reason),
  }
}

const phase = () => stage.store.memory.get(feedKey)?.rollout?.phase

async function toPhase(wanted: string): Promise<void> {
  for (let i = 0; phase() !== wanted && i < 4000; i++) await stage.pass(5)
  expect(phase()).toBe(wanted)
}

describe('the plan of a handover', () => {
  it('begins with a muted start beside what serves', async () => {
    expect(await decided()).toEqual({
      ...{ phase: 'starting', movesGate: false, serving: 1, epoch: 1 },
      steps: ['Create sim-f-r2', 'Start sim-f-r2'],
      notes: ['RolloutStarted'],
    })
  })

  it('waits while the new one shows nothing yet, and touches nothing', async () => {
    await toPhase('rehearsing')
    expect(await decided(500)).toMatchObject({ phase: 'rehearsing', movesGate: false, epoch: 1, steps: [] })
  })

  it('moves the gate in the next epoch as soon as the new one is proven', async () => {
    await toPhase('rehearsing')
    expect(await decided(3000)).toEqual({
      ...{ phase: 'promoting', movesGate: true, serving: 1, epoch: 2 },
      steps: ['MoveGate sim-f-r2'],
      notes: ['ProvenMuted'],
    })
  })

  it('gives up in `rehearsing` once its time is over, and has nothing to give back', async () => {
    await toPhase('rehearsing')
    stage.world.deadAccounts.add('primary')
    await stage.pass(19_900)
    expect(await decided(300)).toMatchObject({ phase: 'reverting', movesGate: false, steps: [], notes: ['RolloutFailed'] })
  })

  it('waits in `settling` until `minHealthy` is over, and removes the old one only in the look after', async () => {
    await toPhase('settling')
    expect(await decided(1500)).toMatchObject({ phase: 'settling', movesGate: true, serving: 1, steps: [] })
    expect(await decided(600)).toMatchObject({ phase: undefined, serving: 2, steps: [], notes: ['RolloutComplete'] })
    await stage.look()
    expect(await decided()).toMatchObject({ phase: undefined, serving: 2, steps: ['Remove sim-f-r1'] })
  })

  it('gives the gate back in the next epoch where something else is wanted', async () => {
    await toPhase('settling')
    stage.edit({ image: 'good-1' })
    expect(await decided()).toMatchObject({ phase: 'reverting', epoch: 3, steps: ['MoveGate sim-f-r1'] })
  })

  it('begins `settling` anew where the proof wavers', async () => {
    await toPhase('settling')
    await stage.pass(1500)
    stage.feeds()[1]?.locked.add('primary')
    await stage.look()
    stage.feeds()[1]?.locked.clear()
    expect(await decided(1000)).toMatchObject({ phase: 'settling', steps: [] })
  })
})
