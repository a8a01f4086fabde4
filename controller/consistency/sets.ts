import { Fault } from '../../crds/contract/fault.ts'
import type { SubscriptionSetSpec } from '../../crds/subscriptionset.ts'
import type { Problem } from '../sources/problem.ts'
import type { Catalogue } from './catalogue.ts'
import { type ConsistencyInput, type DeclaredOf, objectsOf, referred } from './input.ts'
import { maxInstruments, type Resolution, resolveInstruments } from './instruments.ts'
import { problemAt } from './problem.ts'

/** Each set against its catalogue: unknown instruments, selectors that select nothing, a catalogue that cannot be read. */
export function unresolvedSets(input: ConsistencyInput): Problem[] {
  return objectsOf(input, 'SubscriptionSet').flatMap(set =>
    resolved(set.resource.spec, input).problems.map(({ path, severity, reason, message, hint }) =>
      problemAt(set, ['spec', ...path], { category: 'consistency', severity, reason, message, hint }),
    ),
  )
}

/** A feed carries so many instruments at most, over all of its sets. */
export function tooManyInstruments(input: ConsistencyInput): Problem[] {
  return objectsOf(input, 'Feed').flatMap(feed => {
    const specs = feed.resource.spec.subscriptions.flatMap(name => {
      const set = referred(input, feed, 'SubscriptionSet', name)
      return set === undefined ? [] : [set.resource.spec]
    })
    const most = specs.reduce((sum, spec) => sum + resolved(spec, input).count, 0)
    if (specs.length < 2 || most <= maxInstruments) return []
    const tooMany = resolveInstruments(specs, input.catalogues).problems.find(({ reason }) => reason === 'TooManyInstruments')
    return tooMany === undefined ? [] : [overfull(feed, tooMany)]
  })
}

function overfull(feed: DeclaredOf<'Feed'>, { reason, message, hint }: Resolution['problems'][number]): Problem {
  return problemAt(feed, ['spec', 'subscriptions'], { category: 'consistency', reason, message, hint })
}

type Remembered = { catalogue: Catalogue; resolution: Pick<Resolution, 'count' | 'problems'> }

/** A set and its catalogue resolve to the same for as long as both are the same objects: with 14,000 instruments that saves 5 ms. */
const remembered = new WeakMap<SubscriptionSetSpec, Remembered>()

function resolved(spec: SubscriptionSetSpec, { catalogues }: ConsistencyInput): Remembered['resolution'] {
  const catalogue = catalogues.get(spec.catalogue)
  const known = remembered.get(spec)
  if (known !== undefined && known.catalogue === catalogue) return known.resolution
  const { count, problems } = resolveInstruments([spec], catalogues)
  if (catalogue !== undefined && !(catalogue instanceof Fault)) {
    remembered.set(spec, { catalogue, resolution: { count, problems } })
  }
  return { count, problems }
}
