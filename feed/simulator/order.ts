import { tickBytes } from '../gateways/tickrecord.ts'
import type { ExchangeClock } from './clock.ts'
import { type FaultKind, type FaultOrder, faultKinds, type Limits } from './faultorder.ts'
import { coverOf, type Faults } from './faults.ts'
import type { Front } from './front.ts'
import type { Market } from './market.ts'
import type { Run, SweepKind } from './run.ts'

export type OrderParts = { market: Market; front: Front; faults: Faults; clock: ExchangeClock; run: Run }

/** Settings with which a fault is none: they end it. */
const isOff: Partial<Record<FaultKind, (settings: object) => boolean>> = {
  slowAcknowledgements: settings => 'ms' in settings && settings.ms === 0,
  flowControl: settings => 'on' in settings && settings.on === false,
  clockSkew: settings => 'ms' in settings && settings.ms === 0,
  duplicate: settings => 'share' in settings && settings.share === 0,
  reorder: settings => 'share' in settings && settings.share === 0,
  loseAcknowledgements: settings => 'share' in settings && settings.share === 0,
}

/** Carries out an order. Returns what it cannot do: an unknown instrument, group or fault, or a bound that is reached. */
export function carryOut(order: FaultOrder, parts: OrderParts): string | undefined {
  const wrong = wrongLimits(order, parts.market) ?? wrongId(order, parts.faults)
  if (wrong !== undefined) return wrong
  end(order, parts)
  for (const kind of faultKinds) {
    const problem = addFault(kind, order, parts)
    if (problem !== undefined) return problem
  }
  return happen(order, parts)
}

/** Nothing of an order is done where a part of it names what is not there. */
function wrongLimits(order: FaultOrder, market: Market): string | undefined {
  for (const settings of Object.values(order)) {
    if (typeof settings !== 'object') continue
    const covers = coverOf(settings as Limits, market.instruments)
    if (typeof covers === 'string') return covers
  }
  return undefined
}

// One that is ordered anew, or whose time is over, has its id no more.
function wrongId({ clear }: FaultOrder, faults: Faults): string | undefined {
  if (typeof clear !== 'number' || faults.list().some(({ id }) => id === clear)) return undefined
  return `no fault in force has the id ${clear}: GET /state tells those that are`
}

function end({ clear, resume, acceptLogins }: FaultOrder, { faults }: OrderParts): void {
  if (clear !== undefined) faults.end(({ id, kind }) => clear === 'all' || clear === kind || clear === id)
  if (resume) faults.end(({ kind }) => kind === 'stall')
  if (acceptLogins) faults.end(({ kind }) => ['refuseLogins', 'muteLogins', 'cutAfterLogin'].includes(kind))
}

function addFault(kind: FaultKind, order: FaultOrder, { faults, run }: OrderParts): string | undefined {
  const settings = order[kind]
  if (settings === undefined) return undefined
  const { user, group, instrument, forMs }: Limits = settings
  if (kind === 'setRate' && forMs === undefined) {
    faults.end(fault => fault.kind === 'setRate')
    run.setRate(order.setRate?.rate ?? 0)
    return undefined
  }
  if (!isOff[kind]?.(settings)) return faults.add(kind, settings, Date.now())
  faults.end(fault => {
    const limits: Limits = fault.settings
    return fault.kind === kind && limits.user === user && limits.group === group && limits.instrument === instrument
  })
  return undefined
}

function happen(order: FaultOrder, parts: OrderParts): string | undefined {
  const { front, clock } = parts
  if (order.dayChange) clock.changeDay(order.dayChange.days)
  for (const kind of ['openingBurst', 'auction', 'settlement'] satisfies SweepKind[]) {
    const settings = order[kind]
    const problem = settings && parts.run.sweep(kind, covered(settings, parts), settings.ms)
    if (problem !== undefined) return problem
  }
  if (order.snapshotStorm) pushStates(order.snapshotStorm, parts, 0)
  if (order.futureTick) pushStates(order.futureTick, parts, order.futureTick.aheadMs)
  if (order.cut) front.cut(order.cut.user)
  return undefined
}

/** Pushes what is subscribed as it stands, its time moved ahead. */
function pushStates(limits: Limits, parts: OrderParts, aheadMs: number): void {
  const { market, front } = parts
  const batch = market.batch(covered(limits, parts).filter(number => front.subscribers[number] !== 0))
  if (batch.numbers.length === 0) return
  for (const [place, number] of aheadMs > 0 ? batch.numbers.entries() : [])
    market.skew(batch.bytes, place * tickBytes, number, aheadMs)
  front.push(batch, limits.user)
}

function covered(limits: Limits, { market }: OrderParts): Int32Array {
  const covers = coverOf(limits, market.instruments)
  const everything = Int32Array.from({ length: market.count }, (_, number) => number)
  return typeof covers === 'object' ? everything.filter(number => covers[number] === 1) : everything
}
