import type { Account } from '../../crds/contract/desired.ts'
import { hostNames, imageNames, type Shared, strategies, type Wish } from './declaration.ts'
import type { Random } from './random.ts'
import { declare, type World } from './world.ts'

type Edit = (wish: Wish, random: Random) => Partial<Wish>
type SharedEdit = (random: Random) => Partial<Shared>

const edits: Edit[] = [
  (_, random) => ({ image: random.pick(imageNames) }),
  (_, random) => ({ image: random.pick(['good-1', 'good-2']) }),
  (_, random) => ({ image: random.pick(['good-1', 'good-2', 'slow']) }),
  ({ active }) => ({ active: active === 'primary' ? 'backup' : 'primary' }),
  (_, random) => ({ active: random.pick<Account>(['primary', 'backup']) }),
  ({ hasBackup }) => ({ hasBackup: !hasBackup }),
  (_, random) => ({ host: random.pick(hostNames) }),
  ({ set }) => ({ set: set === 'few' ? 'many' : 'few' }),
  (_, random) => ({ strategy: random.pick(strategies) }),
  ({ failback }) => ({ failback: failback === 'auto' ? 'manual' : 'auto' }),
  ({ autoRollback }) => ({ autoRollback: !autoRollback }),
  ({ isSuspended }) => ({ isSuspended: !isSuspended }),
  ({ isStopped }) => ({ isStopped: !isStopped }),
  ({ revision }, random) => ({ revision: revision === undefined ? 1 + random.below(5) : undefined }),
  (_, random) => ({ retry: random.hex(4) }),
  ({ isDeclared }) => ({ isDeclared: !isDeclared }),
  // Deletes and creates again at once: one edit as the controller sees it, or two.
  () => ({ isDeclared: true }),
]

const sharedEdits: [SharedEdit, ...SharedEdit[]] = [
  random => ({ few: 1 + random.below(4) }),
  random => ({ batch: random.pick([100, 500]) }),
  random => ({ logins: random.pick([1, 2]) }),
]

/** The operator edits a feed, or what feeds refer to. */
export function edit(world: World): void {
  const { random, wishes, shared, trace } = world
  if (random.chance(0.15)) {
    Object.assign(shared, random.pick(sharedEdits)(random))
    trace.add('operator', `edits the shared file: ${JSON.stringify(shared)}`)
  } else {
    const [first = 'a', ...rest] = [...wishes.keys()]
    const name = random.pick([first, ...rest])
    const wish = wishes.get(name)
    const [edit, ...edit2] = edits
    if (!wish || !edit) return
    const change = random.pick([edit, ...edit2])(wish, random)
    wishes.set(name, { ...wish, ...change })
    trace.add('operator', `edits ${name}: ${JSON.stringify(change)}`)
  }
  declare(world)
}

/** The operator puts in order what only an operator can: nothing suspended or pinned, and failed revisions asked for once more. */
export function settleWishes(world: World): void {
  for (const [name, wish] of world.wishes)
    world.wishes.set(name, { ...wish, isSuspended: false, revision: undefined, retry: `healed-${world.random.hex(4)}` })
  declare(world)
}
