import type { Instrument } from '../../crds/contract/catalogue.ts'
import type { InstrumentGroup } from '../../crds/contract/desired.ts'
import { Fault } from '../../crds/contract/fault.ts'
import type { SubscriptionSetSpec } from '../../crds/subscriptionset.ts'
import type { MemberPath } from '../sources/problem.ts'
import type { Catalogue, Catalogues } from './catalogue.ts'
import { didYouMean } from './nearest.ts'

/** Instruments of one feed at most; a CTP session was measured up to that many. */
export const maxInstruments = 20_000

/** Problems named for one set at most; the last one says how many more there are. */
export const maxSetProblems = 20

export type InstrumentProblem = {
  /** Index into the sets. */
  set: number
  /** Member of the set's spec. */
  path: MemberPath
  severity: 'error' | 'warning'
  reason: string
  message: string
  hint: string
}

export type Resolution = {
  /** Ordered by exchange, product, class and terms; the instruments of each by name. The same for any order of the sets. */
  groups: InstrumentGroup[]
  /** Instruments in all groups. */
  count: number
  problems: InstrumentProblem[]
}

/**
 * The union of the sets: of each set the named and selected instruments, less its exclusions, cut at its limit in the order of
 * names. An instrument that two catalogues describe is taken from the catalogue whose name sorts first.
 *
 * `groups` holds what could be resolved, `maxInstruments` at most. Where `problems` has an error it is not what was asked for.
 */
export function resolveInstruments(sets: readonly SubscriptionSetSpec[], catalogues: Catalogues): Resolution {
  const problems: InstrumentProblem[] = []
  const chosen = new Map<Catalogue, Uint8Array>()
  sets.forEach((spec, set) => {
    const collector = collectorOf(set, problems)
    const catalogue = catalogues.get(spec.catalogue)
    if (catalogue === undefined || catalogue instanceof Fault) collector.report('error', () => unavailable(spec, catalogue))
    else choose(spec, catalogue, marksOf(chosen, catalogue), collector)
    collector.close()
  })
  const { groups, count } = grouped(chosen)
  if (count > maxInstruments) problems.push(tooMany(count))
  return { groups, count: Math.min(count, maxInstruments), problems }
}

type Finding = Omit<InstrumentProblem, 'set' | 'severity'>

type Collector = {
  report: Report
  /** Whether an error of this set has been reported. */
  isExplained(): boolean
  /** Says how many findings were not shown. */
  close(): void
}

/** The finding is made only where it is shown: its hint searches the catalogue. */
type Report = (severity: 'error' | 'warning', finding: () => Finding) => void

function choose(spec: SubscriptionSetSpec, catalogue: Catalogue, union: Uint8Array, { report, isExplained }: Collector): void {
  const own = new Uint8Array(catalogue.names.length)
  markNamed(spec, catalogue, own, report)
  spec.select.forEach((selector, index) => {
    if (markSelected(selector, catalogue, own) > 0) return
    report('error', () => nothingSelected(selector, index, catalogue))
  })
  unmarkExcluded(spec, catalogue, own, report)
  const taken = addUpTo(own, union, spec.limit ?? own.length)
  if (taken === 0 && !isExplained()) report('error', emptySet)
}

function markNamed(spec: SubscriptionSetSpec, catalogue: Catalogue, own: Uint8Array, report: Report): void {
  spec.instruments.forEach((name, index) => {
    const at = catalogue.indexOf.get(name)
    if (at !== undefined) own[at] = 1
    else report('error', () => unknownInstrument(name, ['instruments', index], catalogue))
  })
}

/** Marks what fits the selector; returns how many do. */
function markSelected(selector: Selector, catalogue: Catalogue, own: Uint8Array): number {
  const fits = catalogue.groups.map(({ group }) => fitsSelector(group, selector))
  let count = 0
  for (let index = 0; index < own.length; index++) {
    if (!fits[catalogue.groupOf[index] ?? -1]) continue
    own[index] = 1
    count++
  }
  return count
}

function unmarkExcluded(spec: SubscriptionSetSpec, catalogue: Catalogue, own: Uint8Array, report: Report): void {
  spec.exclude.forEach((name, index) => {
    const at = catalogue.indexOf.get(name)
    if (at !== undefined) own[at] = 0
    else report('warning', () => unknownInstrument(name, ['exclude', index], catalogue))
  })
}

function addUpTo(own: Uint8Array, union: Uint8Array, limit: number): number {
  let taken = 0
  for (let index = 0; index < own.length && taken < limit; index++) {
    if (own[index] === 0) continue
    union[index] = 1
    taken++
  }
  return taken
}

type Selector = SubscriptionSetSpec['select'][number]
type Terms = Pick<Instrument, 'exchange' | 'product' | 'class'>

function fitsSelector(terms: Terms, { exchanges, products, classes }: Selector): boolean {
  return (
    (exchanges?.includes(terms.exchange) ?? true) &&
    (products?.includes(terms.product) ?? true) &&
    (classes?.includes(terms.class) ?? true)
  )
}

function marksOf(chosen: Map<Catalogue, Uint8Array>, catalogue: Catalogue): Uint8Array {
  const marks = chosen.get(catalogue) ?? new Uint8Array(catalogue.names.length)
  chosen.set(catalogue, marks)
  return marks
}

function grouped(chosen: Map<Catalogue, Uint8Array>): { groups: InstrumentGroup[]; count: number } {
  const groups = new Map<string, InstrumentGroup>()
  const seen = new Set<string>()
  const severalCatalogues = chosen.size > 1
  let count = 0
  for (const [catalogue, marks] of inOrderOfNames(chosen)) {
    for (let index = 0; index < marks.length; index++) {
      if (marks[index] === 0 || (severalCatalogues && isRepeated(catalogue.names[index], seen))) continue
      if (count++ < maxInstruments) addTo(groups, catalogue, index)
    }
  }
  return { groups: ordered(groups), count }
}

function addTo(groups: Map<string, InstrumentGroup>, catalogue: Catalogue, index: number): void {
  const entry = catalogue.groups[catalogue.groupOf[index] ?? -1]
  const instrument = catalogue.instruments[index]
  if (entry === undefined || instrument === undefined) return
  const group = groups.get(entry.key)
  if (group === undefined) groups.set(entry.key, { ...entry.group, instruments: [instrument.id] })
  else group.instruments.push(instrument.id)
}

/** Groups by key; instruments of one group may come from two catalogues, so they are put in order again. */
function ordered(groups: Map<string, InstrumentGroup>): InstrumentGroup[] {
  const entries = [...groups].sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([, group]) => ({ ...group, instruments: group.instruments.sort() }))
}

function inOrderOfNames(chosen: Map<Catalogue, Uint8Array>): [Catalogue, Uint8Array][] {
  return [...chosen].sort(([a], [b]) => (a.name < b.name ? -1 : 1))
}

function isRepeated(name: string | undefined, seen: Set<string>): boolean {
  if (name === undefined || seen.has(name)) return true
  seen.add(name)
  return false
}

function unknownInstrument(name: string, path: MemberPath, catalogue: Catalogue): Finding {
  return {
    path,
    reason: 'UnknownInstrument',
    message: `${name} is not in the catalogue ${catalogue.name}`,
    hint: didYouMean(name, catalogue.names, `name an instrument of the catalogue, such as ${catalogue.names[0]}`),
  }
}

function nothingSelected(selector: Selector, index: number, catalogue: Catalogue): Finding {
  const products = new Set(catalogue.instruments.map(instrument => instrument.product))
  const stranger = selector.products?.find(product => !products.has(product))
  return {
    path: ['select', index],
    reason: 'NothingSelected',
    message: `the selector fits no instrument of the catalogue ${catalogue.name}`,
    hint:
      stranger === undefined
        ? 'exchanges, products and classes of one selector must all fit: leave one of them out, or use two selectors'
        : `the catalogue has no product ${stranger}: ${didYouMean(stranger, products, 'products are named as in rb, AP or IF')}`,
  }
}

function emptySet(): Finding {
  return {
    path: [],
    reason: 'EmptySet',
    message: 'the set resolves to no instrument',
    hint: 'name or select at least one instrument of the catalogue that exclude does not take away',
  }
}

function unavailable(spec: SubscriptionSetSpec, fault: Fault | undefined): Finding {
  return {
    path: ['catalogue'],
    reason: fault?.reason ?? 'CatalogueNotFound',
    message: fault?.message ?? `the catalogue ${spec.catalogue} was not loaded`,
    hint: 'name a catalogue file below the data directory (FEEDPLANE_DATA), such as instruments/recorded.json',
  }
}

function tooMany(count: number): InstrumentProblem {
  return {
    set: 0,
    path: [],
    severity: 'error',
    reason: 'TooManyInstruments',
    message: `the sets resolve to ${count} instruments, and a feed carries ${maxInstruments} at most`,
    hint: 'narrow the sets by exchange, product or class, set limit, or split them over two feeds',
  }
}

function collectorOf(set: number, problems: InstrumentProblem[]): Collector {
  let shown = 0
  let hasError = false
  const hidden = { error: 0, warning: 0 }
  return {
    report(severity, finding) {
      hasError ||= severity === 'error'
      if (shown++ < maxSetProblems) problems.push({ set, severity, ...finding() })
      else hidden[severity]++
    },
    isExplained: () => hasError,
    close() {
      if (shown > maxSetProblems) problems.push({ set, severity: hidden.error > 0 ? 'error' : 'warning', ...moreOf(hidden) })
    },
  }
}

function moreOf(hidden: { error: number; warning: number }): Finding {
  return {
    path: [],
    reason: 'MoreProblems',
    message: `${hidden.error + hidden.warning} more instruments or selectors of this set do not fit its catalogue`,
    hint: 'check that the set names the right catalogue',
  }
}
