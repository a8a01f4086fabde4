import { describe, expect, it } from 'vitest'
import type { ResourceView } from '../api/contract.ts'
import { type Goal, judge, progressBetween, type Verdict } from './convergence.ts'

type Facts = {
  generation: number
  observed?: number
  about?: number
  conditions?: Record<string, string>
  status?: Record<string, unknown>
}

function view({ generation, observed, about = observed, conditions = {}, status = {} }: Facts): ResourceView {
  const list = Object.entries(conditions).map(([type, value]) => {
    const [state = '', reason = '', message = ''] = value.split('|')
    return { type, status: state as 'True', reason, message, lastTransitionTime: '', observedGeneration: about ?? 0 }
  })
  return {
    apiVersion: 'feedplane.dev/v1alpha1',
    kind: 'Feed',
    metadata: { name: 'ctp', namespace: 'default', generation },
    spec: {},
    status: { ...(observed !== undefined && { observedGeneration: observed }), conditions: list, ...status },
  }
}

const cases: { name: string; facts: Facts; goal: Goal; state: Verdict['state']; why: string }[] = [
  {
    name: 'takes no Ready of before the edit',
    facts: { generation: 1, observed: 1, conditions: { Ready: 'True|A|ok' } },
    goal: { afterGeneration: 1 },
    state: 'waiting',
    why: 'the controller has not read the edit yet',
  },
  {
    name: 'says why an edit is not read, where its file has a problem',
    facts: {
      generation: 1,
      observed: 1,
      conditions: { Ready: 'True|A|ok', SourceValid: 'False|SyntaxError|a.yaml:9:1: no YAML' },
    },
    goal: { afterGeneration: 1 },
    state: 'waiting',
    why: 'the edit is not in force: SyntaxError: a.yaml:9:1: no YAML',
  },
  {
    name: 'takes no Ready about an older generation',
    facts: { generation: 2, observed: 1, conditions: { Ready: 'True|A|ok' } },
    goal: { afterGeneration: 1 },
    state: 'waiting',
    why: 'generation 2 is not observed yet',
  },
  {
    name: 'takes no Stalled about an older generation',
    facts: { generation: 2, observed: 1, conditions: { Stalled: 'True|A|x' } },
    goal: {},
    state: 'waiting',
    why: 'generation 2 is not observed yet',
  },
  {
    name: 'takes no Ready before the token is carried out',
    facts: { generation: 1, observed: 1, conditions: { Ready: 'True|A|ok' } },
    goal: { token: 't' },
    state: 'waiting',
    why: 'the request is not carried out yet',
  },
  {
    name: 'is done where the token is carried out and the feed is Ready',
    facts: { generation: 1, observed: 1, conditions: { Ready: 'True|A|ok' }, status: { requests: { retry: 't' } } },
    goal: { token: 't' },
    state: 'done',
    why: 'ok',
  },
  {
    name: 'waits while it reconciles, even where it is Ready',
    facts: { generation: 2, observed: 2, conditions: { Ready: 'True|A|ok', Reconciling: 'True|B|y' } },
    goal: {},
    state: 'waiting',
    why: 'B: y',
  },
  {
    name: 'waits for the account that was asked for',
    facts: { generation: 2, observed: 2, conditions: { Ready: 'True|A|ok' }, status: { active: 'primary' } },
    goal: { active: 'backup' },
    state: 'waiting',
    why: 'primary publishes, not yet backup',
  },
  {
    name: 'waits where Ready is false for a reason that may pass',
    facts: { generation: 2, observed: 2, conditions: { Ready: 'False|NoTicks|none yet' } },
    goal: {},
    state: 'waiting',
    why: 'NoTicks: none yet',
  },
  {
    name: 'fails where it is stalled',
    facts: { generation: 2, observed: 2, conditions: { Ready: 'False|X|x', Stalled: 'True|ImageNotFound|x:9' } },
    goal: {},
    state: 'failed',
    why: 'ImageNotFound: x:9',
  },
  {
    name: 'tells what is under way where the new generation is taken up',
    facts: {
      generation: 2,
      observed: 1,
      conditions: { Ready: 'Unknown|Proving|r2', Reconciling: 'True|Proving|r2: no tick yet' },
      about: 2,
    },
    goal: {},
    state: 'waiting',
    why: 'Proving: r2: no tick yet',
  },
  {
    name: 'is content with a taken edit where that is all there is to wait for',
    facts: { generation: 2 },
    goal: { afterGeneration: 1, takenOnly: true },
    state: 'done',
    why: 'the controller took generation 2',
  },
]

describe('a wait', () => {
  it.each(cases)('$name', ({ facts, goal, state, why }) => {
    expect(judge(view(facts), goal)).toEqual({ state, why })
  })
})

describe('progress', () => {
  it('tells generation, phase, revision, account and conditions in this order, and each once', () => {
    const before = view({
      generation: 1,
      observed: 1,
      conditions: { Ready: 'True|A|ok' },
      status: { active: 'primary', revision: 1 },
    })
    const after = view({
      generation: 2,
      observed: 2,
      conditions: { Ready: 'False|B|x' },
      status: { active: 'backup', epoch: 8, revision: 2, phase: 'Proving' },
    })
    expect(progressBetween(before, after)).toEqual([
      { type: 'generation', generation: 2 },
      { type: 'phase', phase: 'Proving' },
      { type: 'revision', from: 1, to: 2 },
      { type: 'active', from: 'primary', to: 'backup', epoch: 8 },
      { type: 'condition', condition: 'Ready', status: 'False', reason: 'B', message: 'x' },
    ])
    expect(progressBetween(after, after)).toEqual([])
  })

  it('tells that a condition is gone', () => {
    const before = view({ generation: 1, conditions: { Reconciling: 'True|A|x' } })
    expect(progressBetween(before, view({ generation: 1 }))).toEqual([
      { type: 'condition', condition: 'Reconciling', status: 'False', reason: 'Gone', message: '' },
    ])
  })
})
