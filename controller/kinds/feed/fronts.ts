import type { Launch } from '../../../crds/contract/desired.ts'
import { accounts } from '../../../crds/contract/desired.ts'
import { frontsNamed } from '../../../crds/contract/front.ts'
import type { FeedInput } from './input.ts'
import type { ReadPorts } from './ports.ts'

/** A front of an account, and why it takes no connection, where it does not. */
export type FrontView = { account: string; address: string; error?: string }

/**
 * Tries the fronts of both accounts, as a feed with these settings would: those of the profile, or those that the account's own MD_ADDRESS
 * names. An account whose secrets cannot be read counts by its profile.
 */
export async function viewFronts(
  { fronts }: Launch['gateway'],
  credentials: FeedInput['credentials'],
  { dial, secrets }: Pick<ReadPorts, 'dial' | 'secrets'>,
  signal: AbortSignal,
): Promise<FrontView[]> {
  const named = accounts.map(async account => {
    const declared = credentials[account]
    if (!declared) return []
    const own = await secrets.read(declared).then(
      ({ values }) => frontsNamed(values.MD_ADDRESS),
      () => [],
    )
    return (own.length > 0 ? own : (fronts?.[account] ?? [])).map(address => ({ account, address }))
  })
  const all = (await Promise.all(named)).flat()
  return Promise.all(
    all.map(async front => {
      const error = await dial(front.address, signal)
      return { ...front, ...(error !== undefined && { error }) }
    }),
  )
}
