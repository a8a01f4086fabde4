import { describe, expect, it } from 'vitest'
import { kinds, type Resource } from '../crds/kinds.ts'
import { approvalOf, deletionProblems, heldDeletions, heldFeeds } from './deletions.ts'
import type { Snapshot } from './sources/source.ts'
import type { Declared } from './store/declared.ts'

const ten = Array.from({ length: 10 }, (_, index) => `f${index}`)

describe('deletions of one sync', () => {
  it('are let through where half of the feeds stay', () => {
    expect(heldDeletions(read(ten.slice(5)), declare(ten), undefined, 1)).toBeUndefined()
  })

  it('are held where more than half would go, whatever else goes with them', () => {
    const held = heldDeletions(read(ten.slice(6)), [...declare(ten), set('s')], undefined, 1)
    expect(held).toEqual({ since: 1, ids: [...ten.slice(0, 6).map(name => `Feed/n/${name}`), 'SubscriptionSet/n/s'] })
    expect(held && heldFeeds(held)).toEqual(ten.slice(0, 6).map(name => `n/${name}`))
  })

  it('are let through where the one feed there is goes, and where no feed does', () => {
    expect(heldDeletions(read([]), declare(['only']), undefined, 1)).toBeUndefined()
    expect(heldDeletions(read(['a']), [...declare(['a']), set('s'), set('t')], undefined, 1)).toBeUndefined()
  })

  it('are no deletions where the source could not be read whole', () => {
    expect(heldDeletions({ ...read([]), complete: false }, declare(ten), undefined, 1)).toBeUndefined()
  })
})

describe('a hold', () => {
  const begun = heldDeletions(read(ten.slice(8)), declare(ten), undefined, 1)

  it('lasts while files come back one by one, to the last', () => {
    expect(heldDeletions(read(ten.slice(1)), declare(ten), begun, 2)).toEqual({ since: 1, ids: ['Feed/n/f0'] })
    expect(heldDeletions(read(ten), declare(ten), begun, 2)).toBeUndefined()
  })

  it('lasts while the source cannot be read whole, and takes in nothing that is merely unknown', () => {
    const next = heldDeletions({ ...read([]), complete: false }, declare(ten), begun, 2)
    expect(next).toEqual(begun)
  })

  it('ends where all of it is back, although another feed goes', () => {
    expect(heldDeletions(read(ten.slice(1, 9)), declare(ten), begun, 2)).toBeDefined()
    expect(heldDeletions(read(ten.slice(0, 9)), declare(ten), begun, 2)).toBeUndefined()
  })

  it('is approved by a word that fits neither what was added to it nor a later one of the same feeds', () => {
    if (!begun) throw new Error('nothing is held')
    const grown = heldDeletions(read(ten.slice(9)), declare(ten), begun, 2)
    const later = { ...begun, since: 2 }
    const words = [begun, grown, later].map(held => held && approvalOf(held))
    expect(new Set(words).size).toBe(3)
    expect(words[0]).toBe(approvalOf({ since: 1, ids: [...begun.ids] }))
  })

  it('is a problem of each feed at the place where it was declared last, in the same words as it grows', () => {
    const find = (key: string) => declare(ten).find(({ resource }) => `n/${resource.metadata.name}` === key)
    const before = begun ? deletionProblems(begun, find) : []
    expect(before).toHaveLength(8)
    expect(before[2]).toMatchObject({
      kind: 'Feed',
      namespace: 'n',
      name: 'f2',
      file: 'f2.yaml',
      line: 7,
      reason: 'DeletionHeld',
    })
    const after = deletionProblems({ since: 9, ids: ['Feed/n/f2'] }, find)
    expect(after).toEqual([before[2]])
  })
})

function read(names: string[]): Pick<Snapshot, 'objects' | 'complete'> {
  const locate = () => ({ line: 1, column: 1 })
  const objects = declare(names).map(({ resource, origin }) => {
    const place = { ...origin, column: 1, document: 1 }
    return [`Feed/n/${resource.metadata.name}`, { resource, origin: place, locate }] as const
  })
  return { objects: new Map(objects), complete: true }
}

function declare(names: string[]): Declared[] {
  const spec = kinds.Feed.spec.parse({
    ...{ hostRef: 'h', profileRef: 'p', image: 'i:1', credentials: { primary: 'c' }, subscriptions: ['s'] },
  })
  return names.map(name => of({ kind: 'Feed', metadata: { namespace: 'n', name }, spec }))
}

function set(name: string): Declared {
  const spec = kinds.SubscriptionSet.spec.parse({ catalogue: 'c.json', instruments: ['SHFE.rb2601'] })
  return of({ kind: 'SubscriptionSet', metadata: { namespace: 'n', name }, spec })
}

function of(resource: Resource): Declared {
  return { resource, generation: 1, origin: { file: `${resource.metadata.name}.yaml`, line: 7 } }
}
