import type { Account, Launch } from '../../crds/contract/desired.ts'
import type { AccountSecrets } from '../gateways/gateway.ts'

type Given = { gateway: Launch['gateway']; secrets: AccountSecrets }

/** The same fronts, beginning with number `turn`: a gateway tries them in order, and the first may be one that never answers. */
export function beginAt(turn: number, gateway: Launch['gateway'], account: Account, secrets: AccountSecrets): Given {
  const { MD_ADDRESS } = secrets
  const own = gateway.fronts?.[account]
  return {
    gateway: own === undefined ? gateway : { ...gateway, fronts: { ...gateway.fronts, [account]: turned(own, turn) } },
    secrets: MD_ADDRESS === undefined ? secrets : { ...secrets, MD_ADDRESS: turned(MD_ADDRESS.split(','), turn).join(',') },
  }
}

function turned(fronts: string[], turn: number): string[] {
  const first = fronts.length === 0 ? 0 : turn % fronts.length
  return [...fronts.slice(first), ...fronts.slice(0, first)]
}
