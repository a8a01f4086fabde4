import { accounts } from '../../crds/contract/desired.ts'
import type { Problem } from '../sources/problem.ts'
import { type ConsistencyInput, type DeclaredOf, objectsOf, referred } from './input.ts'
import { problemAt } from './problem.ts'

/** `Handover` has each account logged in twice for a while: the broker would refuse the second login, or end the first. */
export function handoversWithoutLogins(input: ConsistencyInput): Problem[] {
  return objectsOf(input, 'Feed').flatMap(feed => {
    const { rollout, credentials } = feed.resource.spec
    if (rollout.strategy !== 'Handover') return []
    const used = accounts.flatMap(account => {
      const name = credentials[account]
      return (name !== undefined && referred(input, feed, 'Credentials', name)) || []
    })
    const short = used.find(({ resource }) => resource.spec.logins < 2)
    return short ? [tooFewLogins(feed, short)] : []
  })
}

function tooFewLogins(feed: DeclaredOf<'Feed'>, { resource, origin: { file, line } }: DeclaredOf<'Credentials'>): Problem {
  const { name } = resource.metadata
  return problemAt(feed, ['spec', 'rollout', 'strategy'], {
    category: 'consistency',
    reason: 'LoginsTooFew',
    message: `a Handover needs two logins at a time of each account, and Credentials ${name} allow one`,
    hint: `set logins: 2 in ${file}:${line} where the broker allows that, or remove the line: Recreate is used then`,
  })
}
