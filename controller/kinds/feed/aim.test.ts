import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { waiting } from '../../../crds/contract/fault.ts'
import type { InstrumentProblem } from '../../consistency/instruments.ts'
import { openStage, type Stage } from '../../simulation/stage.ts'
import { aimOf, attemptOf } from './aim.ts'
import { firstViolation } from './checks.ts'
import type { FeedInput } from './input.ts'

let stage: Stage
let input: FeedInput
beforeEach(async () => {
  stage = await openStage()
  await stage.pass(60_000)
  input = await stage.input()
})
afterEach(() => stage.close())

const waitingFault = waiting('SecretMissing', 'PASSWORD is missing')
const unknownInstrument: InstrumentProblem = {
  ...{
    set: 0,
    path: ['spec'],
    severity: 'error',
    reason: 'InstrumentUnknown',
    message: 'no such instrument',
    hint: 'see the list',
  },
}
const problem: FeedInput['problems'][number] = {
  ...{
    file: 'a.yaml',
    line: 3,
    column: 5,
    path: 'spec.subscriptions[0]',
    document: 1,
    kind: 'Feed',
    namespace: 'sim',
    name: 'f',
  },
  ...{ severity: 'error', category: 'reference', reason: 'ReferenceNotFound', message: 'no such set', hint: 'declare it' },
}
const failure = (inputsDigest: string) => ({ revision: 2, inputsDigest, reason: 'CrashLoop', message: '', at: 0 })
const edited = async (change: Parameters<Stage['edit']>[0]): Promise<FeedInput> => {
  stage.edit(change)
  return stage.input()
}

describe('the aim', () => {
  it('is the declared revision: the kept one where the inputs are the same, else the next number', async () => {
    expect(aimOf(input)).toMatchObject({ why: 'declared', revision: { number: 1, state: 'good' } })
    expect(aimOf(await edited({ instruments: 2 }))).toMatchObject({ why: 'declared', revision: { number: 2, state: 'pending' } })
    expect(aimOf(await edited({ instruments: 1 }))).toMatchObject({ why: 'declared', revision: { number: 1 } })
  })

  it('is no other one because of who is active, or of the rollout policy', async () => {
    expect(aimOf(await edited({ active: 'backup', autoRollback: false }))).toMatchObject({ revision: { number: 1 } })
  })

  it('is the pinned revision, whatever else is declared', async () => {
    expect(aimOf(await edited({ revision: 1, image: 'good-2' }))).toMatchObject({ why: 'pinned', revision: { number: 1 } })
  })

  it('is the last good one while the declared one has failed with these very inputs', async () => {
    const next = await edited({ image: 'crashes' })
    const { revision } = aimOf(next)
    const remembered = { ...next, memory: { ...next.memory, failure: failure(revision?.inputsDigest ?? '') } }
    expect(aimOf(remembered)).toMatchObject({ why: 'rolled-back', revision: { number: 1 }, declared: { number: 2 } })
    expect(aimOf({ ...next, memory: { ...next.memory, failure: failure('v1:other') } })).toMatchObject({ why: 'declared' })
  })

  it('is the failed one again for a token that was not carried out yet', async () => {
    const next = await edited({ image: 'crashes', retry: 'a' })
    const memory = { ...next.memory, failure: failure(aimOf(next).revision?.inputsDigest ?? '') }
    expect(aimOf({ ...next, memory })).toMatchObject({ why: 'declared', revision: { number: 2 } })
    expect(aimOf({ ...next, memory: { ...memory, requests: { retry: 'a' } } })).toMatchObject({ why: 'rolled-back' })
  })

  it('is what runs while the declared state cannot be carried out', () => {
    expect(aimOf({ ...input, profile: undefined })).toMatchObject({ why: 'held', revision: { number: 1 } })
  })

  it('asks the registry once per revision, and once more per retry', async () => {
    const revision = aimOf(input).revision
    if (!revision) throw new Error('nothing is aimed at')
    expect(attemptOf(input, revision)).toBe(attemptOf(await stage.input(), revision))
    expect(attemptOf(await edited({ retry: 'b' }), revision)).not.toBe(attemptOf(input, revision))
  })
})

describe('the checks', () => {
  const violations: [string, (whole: FeedInput) => Partial<FeedInput>, string, string][] = [
    ['a host that is not declared', () => ({ host: undefined }), 'waiting HostNotFound', 'spec.hostRef'],
    ['a profile that is not declared', () => ({ profile: undefined }), 'waiting FeedProfileNotFound', 'spec.profileRef'],
    ['credentials that are not declared', () => ({ credentials: {} }), 'waiting CredentialsNotFound', 'spec.credentials.primary'],
    ['a set that is not declared', () => ({ sets: [] }), 'waiting SubscriptionSetNotFound', 'spec.subscriptions[0]'],
    ['an error between objects', () => ({ problems: [problem] }), 'stalled ReferenceNotFound', 'spec.subscriptions[0]'],
    [
      'secrets that are missing',
      ({ secrets }) => ({ secrets: { ...secrets, backup: { fault: waitingFault } } }),
      'waiting SecretMissing',
      'spec.credentials.backup',
    ],
    [
      'instruments that are not in the catalogue',
      ({ resolution }) => ({ resolution: resolution && { ...resolution, problems: [unknownInstrument] } }),
      'stalled InstrumentUnknown',
      'spec.subscriptions',
    ],
  ]
  it.each(violations)('name %s, its class and its path', (_name, change, expected, path) => {
    const violation = firstViolation({ ...input, ...change(input) })
    expect(`${violation?.class} ${violation?.reason}`).toBe(expected)
    expect(violation?.path).toBe(path)
  })

  it('find nothing where all is well, and let a warning pass', () => {
    expect(firstViolation(input)).toBeUndefined()
    expect(firstViolation({ ...input, problems: [{ ...problem, severity: 'warning' }] })).toBeUndefined()
  })

  it('let a pin pass by mistakes in what it replaces, and not by those in what it keeps', async () => {
    const pinned = await edited({ revision: 1 })
    expect(firstViolation({ ...pinned, profile: undefined, sets: [], problems: [problem] })).toBeUndefined()
    const clash = { ...problem, path: 'metadata.name', reason: 'ContainerNameClash' }
    expect(firstViolation({ ...pinned, problems: [clash] })).toMatchObject({ reason: 'ContainerNameClash' })
    expect(firstViolation({ ...pinned, host: undefined })).toMatchObject({ reason: 'HostNotFound' })
  })

  it('ask a pin for the secrets of every account that it runs', async () => {
    expect(firstViolation(await edited({ revision: 1, backup: false }))).toMatchObject({
      reason: 'AccountNotDeclared',
      path: 'spec.credentials.backup',
    })
  })

  it('name the revisions that are kept where the pinned one is not', async () => {
    expect(firstViolation(await edited({ revision: 9 }))).toMatchObject({
      class: 'stalled',
      reason: 'RevisionNotFound',
      message: expect.stringContaining('kept: 1'),
    })
  })
})
