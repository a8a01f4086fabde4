import * as z from 'zod'
import type { Front } from './front.ts'
import type { Market } from './market.ts'

const everything = z.strictObject({ all: z.literal(true) })
const ofUser = z.strictObject({ user: z.string() })

/** Ticks a second and instrument. A real front pushes at most two; more is for load. */
const rateSchema = z.number().min(0).max(50)

/**
 * Body of `POST /faults`: one or more of these, taken in this order. Later kinds (duplicates, reordering, clock skew, storms) get a
 * key here and a branch in `applyFaults`.
 */
export const faultsSchema = z
  .strictObject({
    resume: z.literal(true).meta({ description: 'Ends every stall.' }),
    stall: z.union([everything, ofUser, z.strictObject({ group: z.string() })]).meta({
      description: 'No ticks, while heartbeats and answers go on. A group is EXCHANGE or EXCHANGE.PRODUCT, as CZCE.AP.',
    }),
    cut: z.union([everything, ofUser]).meta({ description: 'Closes sessions without a word.' }),
    acceptLogins: z.literal(true).meta({ description: 'Ends refuseLogins and muteLogins.' }),
    refuseLogins: z.strictObject({ errorId: z.int(), user: z.string().optional() }),
    muteLogins: z.literal(true).meta({ description: 'Takes logins and never answers them.' }),
    slowAcknowledgements: z.strictObject({ ms: z.number().min(0).max(600_000) }),
    flowControl: z.strictObject({ on: z.boolean() }).meta({ description: 'Every request is one too many (-3) while on.' }),
    setRate: z.strictObject({ rate: rateSchema }),
  })
  .partial()

export type FaultOrder = z.infer<typeof faultsSchema>

/** Carries out an order. Returns what it does not know: a group without an instrument. */
export function applyFaults(
  order: FaultOrder,
  market: Market,
  front: Front,
  setRate: (rate: number) => void,
): string | undefined {
  const { faults } = front
  if (order.resume) resume(front)
  if (order.stall && !stall(order.stall, market, front))
    return `no instrument is in group ${'group' in order.stall && order.stall.group}`
  if (order.cut) cut(order.cut, front)
  if (order.acceptLogins) Object.assign(faults, { refuseLogins: undefined, muteLogins: false })
  if (order.refuseLogins) faults.refuseLogins = order.refuseLogins
  if (order.muteLogins) faults.muteLogins = true
  if (order.slowAcknowledgements) faults.acknowledgementDelayMs = order.slowAcknowledgements.ms
  if (order.flowControl) front.setFlowControl(order.flowControl.on)
  if (order.setRate) setRate(order.setRate.rate)
  return undefined
}

function stall(order: NonNullable<FaultOrder['stall']>, market: Market, front: Front): boolean {
  if ('user' in order) {
    for (const session of front.sessions) if (session.user === order.user) session.stalled = true
    front.faults.stalledUsers.add(order.user)
    return true
  }
  let found = false
  market.instruments.forEach(({ exchange, product }, number) => {
    const hit = 'all' in order || order.group === exchange || order.group === `${exchange}.${product}`
    if (!hit) return
    front.silent[number] = 1
    found = true
  })
  return found
}

function resume(front: Front): void {
  front.silent.fill(0)
  front.faults.stalledUsers.clear()
  for (const session of front.sessions) session.stalled = false
}

function cut(order: NonNullable<FaultOrder['cut']>, front: Front): void {
  for (const session of front.sessions) if ('all' in order || session.user === order.user) session.cut()
}
