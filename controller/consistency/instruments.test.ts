import { describe, expect, it } from 'vitest'
import type { Instrument } from '../../crds/contract/catalogue.ts'
import { type Fault, stalled } from '../../crds/contract/fault.ts'
import { type SubscriptionSetSpec, subscriptionSetSpec } from '../../crds/subscriptionset.ts'
import { type Catalogue, type Catalogues, indexCatalogue } from './catalogue.ts'
import { maxInstruments, maxSetProblems, resolveInstruments } from './instruments.ts'

const windows: Instrument['windows'] = { day: [['09:00:00', '10:15:00']] }

function instrument(name: string, over: Partial<Instrument> = {}): Instrument {
  const [exchange = '', id = ''] = name.split('.')
  const product = id.replace(/\d*$/, '')
  return {
    id,
    exchange: exchange as Instrument['exchange'],
    product,
    class: 'future',
    multiplier: 10,
    priceTick: 1,
    windows,
    ...over,
  }
}

const catalogues: Catalogues = new Map<string, Catalogue | Fault>([
  [
    'all.json',
    indexCatalogue('all.json', [
      instrument('SHFE.rb2505'),
      instrument('SHFE.rb2501'),
      instrument('CZCE.AP010'),
      instrument('SHFE.rb2501C3000', { class: 'option', product: 'rb_o' }),
      instrument('CFFEX.IF2101', { multiplier: 300 }),
    ]),
  ],
  ['more.json', indexCatalogue('more.json', [instrument('SHFE.rb2503'), instrument('SHFE.rb2501', { multiplier: 99 })])],
  ['bad.json', stalled('CatalogueInvalid', 'catalogue bad.json: it is not JSON')],
])

function set(over: Partial<SubscriptionSetSpec>): SubscriptionSetSpec {
  return subscriptionSetSpec.parse({ catalogue: 'all.json', ...over })
}

function resolve(...sets: Partial<SubscriptionSetSpec>[]) {
  return resolveInstruments(sets.map(set), catalogues)
}

function names(...sets: Partial<SubscriptionSetSpec>[]): string[] {
  return resolve(...sets).groups.flatMap(({ exchange, instruments }) => instruments.map(id => `${exchange}.${id}`))
}

const reasons = (...sets: Partial<SubscriptionSetSpec>[]) => resolve(...sets).problems.map(problem => problem.reason)

describe('sets of instruments', () => {
  it('hold what is named and what any selector fits', () => {
    expect(names({ instruments: ['CZCE.AP010'], select: [{ exchanges: ['SHFE'], classes: ['option'] }] })).toEqual([
      'CZCE.AP010',
      'SHFE.rb2501C3000',
    ])
    expect(names({ select: [{ products: ['rb'] }, { products: ['IF'] }] })).toEqual([
      'CFFEX.IF2101',
      'SHFE.rb2501',
      'SHFE.rb2505',
    ])
    expect(names({ select: [{}] })).toHaveLength(5)
  })

  it('leave out what is excluded, then cut at the limit in the order of names', () => {
    expect(names({ select: [{}], exclude: ['CFFEX.IF2101'], limit: 2 })).toEqual(['CZCE.AP010', 'SHFE.rb2501'])
  })

  it('exclude only from themselves', () => {
    expect(names({ select: [{ products: ['rb'] }], exclude: ['SHFE.rb2501'] }, { instruments: ['SHFE.rb2501'] })).toEqual([
      'SHFE.rb2501',
      'SHFE.rb2505',
    ])
  })

  it('share an instrument, whichever set comes first', () => {
    const one = { select: [{ exchanges: ['SHFE'] }] } satisfies Partial<SubscriptionSetSpec>
    const two = { catalogue: 'more.json', select: [{}] }
    expect(resolve(one, two)).toEqual(resolve(two, one))
    expect(resolve(two, one).groups).toMatchObject([
      { product: 'rb', multiplier: 10, instruments: ['rb2501', 'rb2503', 'rb2505'] },
      { product: 'rb_o', instruments: ['rb2501C3000'] },
    ])
  })

  it('travel in groups of equal terms', () => {
    expect(resolve({ instruments: ['SHFE.rb2505', 'SHFE.rb2501'] }).groups).toEqual([
      {
        exchange: 'SHFE',
        product: 'rb',
        class: 'future',
        multiplier: 10,
        priceTick: 1,
        windows,
        instruments: ['rb2501', 'rb2505'],
      },
    ])
  })
})

describe('problems of sets', () => {
  it('name the instrument that is unknown and the nearest one', () => {
    expect(resolve({ instruments: ['SHFE.rb2501', 'SHFE.rb2510'], exclude: ['CZCE.AP011'] }).problems).toEqual([
      {
        ...{ set: 0, path: ['instruments', 1], severity: 'error', reason: 'UnknownInstrument' },
        ...{ message: 'SHFE.rb2510 is not in the catalogue all.json', hint: 'did you mean "SHFE.rb2501"?' },
      },
      {
        ...{ set: 0, path: ['exclude', 0], severity: 'warning', reason: 'UnknownInstrument' },
        ...{ message: 'CZCE.AP011 is not in the catalogue all.json', hint: 'did you mean "CZCE.AP010"?' },
      },
    ])
  })

  it('say why a selector fits nothing', () => {
    const [typo, mix] = resolve({ select: [{ products: ['rbb'] }, { exchanges: ['CZCE'], products: ['rb'] }] }).problems
    expect(typo).toMatchObject({
      path: ['select', 0],
      reason: 'NothingSelected',
      hint: expect.stringContaining('did you mean "rb"?'),
    })
    expect(mix).toMatchObject({ path: ['select', 1], reason: 'NothingSelected', hint: expect.stringContaining('must all fit') })
  })

  it('name the catalogue that cannot be had', () => {
    expect(reasons({ catalogue: 'none.json', select: [{}] })).toEqual(['CatalogueNotFound'])
    expect(reasons({ catalogue: 'bad.json', select: [{}] })).toEqual(['CatalogueInvalid'])
  })

  it('say so once where nothing is left', () => {
    expect(reasons({ instruments: ['CZCE.AP010'], exclude: ['CZCE.AP010'] })).toEqual(['EmptySet'])
    expect(reasons({ instruments: ['CZCE.AP011'] })).toEqual(['UnknownInstrument'])
  })

  it('are bounded', () => {
    const instruments = Array.from({ length: 5000 }, (_, index) => `SHFE.zz${index}`)
    const { problems } = resolve({ instruments })
    expect(problems).toHaveLength(maxSetProblems + 1)
    expect(problems.at(-1)).toMatchObject({ reason: 'MoreProblems', message: expect.stringMatching(/^4980 more/) })
  })

  it('name too many instruments, and keep to the bound', () => {
    const many = Array.from({ length: maxInstruments + 1 }, (_, index) => instrument(`SHFE.rb${index}`))
    const large = new Map([['all.json', indexCatalogue('all.json', many)]])
    const { count, groups, problems } = resolveInstruments([set({ select: [{}] })], large)
    expect([count, groups[0]?.instruments.length, problems[0]?.reason]).toEqual([
      maxInstruments,
      maxInstruments,
      'TooManyInstruments',
    ])
  })
})
