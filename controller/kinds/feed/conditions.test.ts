import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stalled, transient, waiting } from '../../../crds/contract/fault.ts'
import { openStage, type Stage } from '../../simulation/stage.ts'
import type { Rollout } from '../../store/memory.ts'
import { type Aim, type Decision, idle } from './decision.ts'
import type { FeedInput } from './input.ts'
import { summarize } from './summarize.ts'

let stage: Stage
let input: FeedInput
let aim: Aim
let well: Decision
beforeEach(async () => {
  stage = await openStage()
  await stage.pass(60_000)
  input = await stage.input()
  const [revision] = input.revisions
  if (!revision) throw new Error('there is no revision')
  aim = { why: 'declared', revision }
  well = { ...idle(input.memory, aim), proof: { state: 'proven', reason: 'DataFlowing', message: 'all of it' } }
})
afterEach(() => stage.close())

const rollout = (change: Partial<Rollout>): Rollout => ({
  ...{ phase: 'proving', revision: 2, container: 'sim-f-r2', startedAt: 0, phaseSince: 0, deadline: 0, seenAt: 0 },
  ...{ restartsBefore: 0, reason: 'image' },
  ...change,
})
const failed = { reason: 'CrashLoop', message: 'it crashed' }
const failure = { revision: 2, inputsDigest: 'v1:2', ...failed, at: 0 }
const pending = (reason: string): Decision['proof'] => ({ state: 'pending', reason, message: '' })
const step: Decision['steps'][number] = { action: 'Stop', host: 'h1', container: 'x', reason: 'x goes' }

/** `Ready`, and what else is there of the conditions that exist only while true. */
function shown(seen: FeedInput, decision: Decision, fault?: Parameters<typeof summarize>[2]): string {
  const { conditions = [], observedGeneration } = summarize(seen, decision, fault)
  const find = (name: string) => conditions.find(({ type }) => type === name)
  const extra = ['Reconciling', 'Stalled', 'RolledBack'].filter(find)
  const isObserved = observedGeneration === seen.declared?.generation
  return [find('Ready')?.status, find('Ready')?.reason, ...extra, isObserved ? 'observed' : 'not observed'].join(' ')
}

describe('the conditions', () => {
  type Make = (
    whole: FeedInput,
    all: Decision,
  ) => { input?: Partial<FeedInput>; decision?: Partial<Decision>; fault?: Parameters<typeof summarize>[2] }
  const inRollout =
    (change: Partial<Rollout>, more: Partial<Decision> = {}): Make =>
    (_whole, all) => ({
      decision: { memory: { ...all.memory, rollout: rollout(change) }, ...more },
    })
  const cases: [string, Make, string][] = [
    ['a feed that shows data', () => ({}), 'True DataFlowing observed'],
    ['one with something left to do', () => ({ decision: { steps: [step] } }), 'Unknown Applying Reconciling not observed'],
    ['one that does not answer', () => ({ decision: { proof: pending('NotAnswering') } }), 'False NotAnswering not observed'],
    [
      'one whose account is on its way',
      () => ({ decision: { proof: pending('FailoverPending') } }),
      'Unknown FailoverPending Reconciling not observed',
    ],
    ['one whose name a stranger has', () => ({ decision: { proof: pending('NameTaken') } }), 'False NameTaken Stalled observed'],
    ['a rollout that waits for its image', inRollout({ phase: 'preparing' }), 'Unknown PreparingImage Reconciling not observed'],
    ['a rollout that is being proven', inRollout({}), 'Unknown Proving Reconciling not observed'],
    ['a rollout that settles', inRollout({ phase: 'settling' }), 'Unknown Settling Reconciling not observed'],
    ['a rollout that failed with no way back', inRollout({ failure: failed }), 'False CrashLoop Stalled observed'],
    [
      'a rollout that is being taken back',
      (_whole, all) => ({
        decision: { memory: { ...all.memory, failure, rollout: rollout({ phase: 'reverting', failure: failed }) } },
      }),
      'Unknown RollingBack Reconciling RolledBack not observed',
    ],
    [
      'a feed that was rolled back, although its last good revision is well',
      (_whole, all) => ({ decision: { memory: { ...all.memory, failure }, aim: rolledBack(all) } }),
      'False RolledBack Stalled RolledBack observed',
    ],
    [
      'a feed that is suspended',
      whole => ({ input: suspended(whole), decision: { proof: undefined } }),
      'Unknown Suspended not observed',
    ],
    [
      'a feed whose engine is away',
      () => ({
        input: { engines: new Map([['h1', { fault: away, workloads: [], declared: true }]]) },
        decision: { proof: undefined },
      }),
      'Unknown EngineUnreachable not observed',
    ],
    [
      'a step that failed and may yet go through',
      () => ({ fault: transient('FeedUnreachable', '') }),
      'Unknown FeedUnreachable Reconciling not observed',
    ],
    ['a step that only an edit can mend', () => ({ fault: stalled('InvalidSpec', '') }), 'False InvalidSpec Stalled observed'],
    [
      'a declared state that waits for something named',
      (_whole, all) => ({
        decision: { aim: { why: 'held', revision: all.aim?.revision, violation: waiting('HostNotFound', 'declare it') } },
      }),
      'False HostNotFound Stalled observed',
    ],
  ]
  it.each(cases)('of %s', (_name, make, expected) => {
    const made = make(input, well)
    const seen = { ...input, status: { ...input.status, observedGeneration: 0 }, ...made.input }
    expect(shown(seen, { ...well, ...made.decision }, made.fault)).toBe(expected)
  })

  it('of a pinned revision say nothing of the failure that it is the answer to', () => {
    const [revision] = input.revisions
    if (!revision) throw new Error('there is no revision')
    expect(shown(input, { ...well, aim: { why: 'pinned', revision } })).toBe('True DataFlowing observed')
  })

  it('do not call a last good revision good that is not', () => {
    const decision = { ...well, memory: { ...well.memory, failure }, aim: rolledBack(well), proof: pending('NotAnswering') }
    const { conditions } = summarize(input, decision, undefined)
    expect(conditions?.find(({ type }) => type === 'Stalled')?.message).toMatch(/revision 1 is back and not well \(NotAnswering/)
  })

  it('keep the time of the last transition while only the message moves', () => {
    const before = summarize(input, well, undefined)
    const later = { ...input, now: input.now + 5000, status: before }
    const after = summarize(later, { ...well, proof: { state: 'proven', reason: 'DataFlowing', message: 'more' } }, undefined)
    const times = (status: typeof before) => status.conditions?.map(({ lastTransitionTime }) => lastTransitionTime)
    expect(times(after)).toEqual(times(before))
    expect(after.conditions).not.toEqual(before.conditions)
  })
})

const away = transient('EngineUnreachable', 'nobody answers')

function rolledBack({ aim: before }: Decision): Aim {
  const revision = before?.revision
  if (!revision) throw new Error('nothing is aimed at')
  return { why: 'rolled-back', revision, declared: { ...revision, number: 2 } }
}

function suspended({ declared }: FeedInput): Partial<FeedInput> {
  if (!declared) return {}
  const { resource } = declared
  return { declared: { ...declared, resource: { ...resource, spec: { ...resource.spec, suspend: true } } } }
}
