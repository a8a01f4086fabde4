import { accounts } from '../../../crds/contract/desired.ts'
import type { FeedStatus } from '../../../crds/feed.ts'
import type { FeedMemory } from '../../store/memory.ts'
import { type FeedInput, findWorkload, isRunning } from './input.ts'

/** How a revision that needs another process takes over, and why so. */
export type Strategy = { strategy: NonNullable<FeedStatus['strategy']>; reason: string }

/** Logins that an account needs while a handover is under way. */
const loginsOfHandover = 2

/**
 * What is declared; by default `Handover` where every account allows it. An account that does not is never logged in twice, whatever is
 * declared: that it was is a problem of the declaration.
 */
export function strategyOf({ declared, credentials }: Pick<FeedInput, 'declared' | 'credentials'>): Strategy {
  const wanted = declared?.resource.spec.rollout.strategy
  if (wanted === 'Recreate') return { strategy: 'Recreate', reason: 'rollout.strategy says so' }
  const used = accounts.flatMap(account => {
    const name = declared?.resource.spec.credentials[account]
    return name === undefined ? [] : [{ name, logins: credentials[account]?.resource.spec.logins ?? 1 }]
  })
  const short = used.find(({ logins }) => logins < loginsOfHandover)
  if (short) return { strategy: 'Recreate', reason: `Credentials ${short.name} allow one login at a time` }
  if (wanted === 'Handover') return { strategy: 'Handover', reason: 'rollout.strategy says so' }
  return { strategy: 'Handover', reason: `Credentials ${used.map(({ name }) => name).join(' and ')} allow two logins at a time` }
}

/** The same, decided for a revision that is about to take over: where nothing runs there is nothing to hand over. */
export function strategyNow(input: FeedInput): Strategy {
  const { serving } = input.memory
  const declared = strategyOf(input)
  if (declared.strategy === 'Recreate' || (serving && isRunning(findWorkload(input, serving.container)))) return declared
  return { strategy: 'Recreate', reason: 'nothing runs that could hand over' }
}

/** That of the rollout in progress, once it is decided, else of the next one. */
export function strategyShown(input: FeedInput, { rollout }: FeedMemory): Strategy {
  if (rollout?.strategyReason === undefined) return strategyOf(input)
  return { strategy: rollout.strategy ?? 'Recreate', reason: rollout.strategyReason }
}
