import * as fc from 'fast-check'
import type { Account } from '../../crds/contract/desired.ts'

/** Images that every engine can have; `missing` is in no registry. */
const images = ['good-1', 'good-2', 'crashes', 'never-logs-in', 'missing'] as const
type Image = (typeof images)[number]

const record = fc.record
const constant = <const T>(value: T) => fc.constant(value)

/** What operators and fate may do to a feed in any order, on any engine: the simulated one, Docker and processes. */
export const act = fc.oneof(
  { weight: 4, arbitrary: record({ type: constant('image'), image: fc.constantFrom(...images) }) },
  { weight: 2, arbitrary: record({ type: constant('active'), active: fc.constantFrom<Account>('primary', 'backup') }) },
  { weight: 2, arbitrary: record({ type: constant('instruments'), count: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: record({ type: constant('backup'), backup: fc.boolean() }) },
  { weight: 1, arbitrary: record({ type: constant('suspend'), suspend: fc.boolean() }) },
  { weight: 1, arbitrary: record({ type: constant('autoRollback'), autoRollback: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: record({ type: constant('strategy'), strategy: fc.constantFrom<'Handover' | 'Recreate'>('Handover', 'Recreate') }),
  },
  {
    weight: 2,
    arbitrary: record({ type: constant('token'), name: fc.constantFrom<'retry' | 'failbackToken'>('retry', 'failbackToken') }),
  },
  { weight: 1, arbitrary: record({ type: constant('declare'), declared: fc.boolean() }) },
  {
    weight: 5,
    arbitrary: record({
      type: constant('drift'),
      how: fc.constantFrom<Drift>('kill', 'stop', 'remove', 'rename'),
      which: fc.nat(5),
    }),
  },
  { weight: 1, arbitrary: record({ type: constant('crash') }) },
)

/** What is done to a workload behind the controller's back. */
export type Drift = 'kill' | 'stop' | 'remove' | 'rename'

export type Act = typeof act extends fc.Arbitrary<infer T> ? T : never

/** What an operator may edit of the feed's declaration. */
type Edit = {
  image: Image
  active: Account
  instruments: number
  backup: boolean
  suspend: boolean
  autoRollback: boolean
  strategy: 'Handover' | 'Recreate'
  retry: string
  failbackToken: string
}

/** The edit that an act is; `undefined` where it is none. `token` is a new one. */
export function editOf(next: Act, token: string): Partial<Edit> | undefined {
  switch (next.type) {
    case 'image':
      return { image: next.image }
    case 'active':
      return { active: next.active }
    case 'instruments':
      return { instruments: next.count }
    case 'backup':
      return { backup: next.backup }
    case 'suspend':
      return { suspend: next.suspend }
    case 'autoRollback':
      return { autoRollback: next.autoRollback }
    case 'strategy':
      return { strategy: next.strategy }
    case 'token':
      return { [next.name]: token }
    default:
      return undefined
  }
}
