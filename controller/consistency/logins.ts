import { type Account, accounts } from '../../crds/contract/desired.ts'
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

/** A session of a feed with a real front: whose it is, and which Credentials it logs in with. */
type Login = { feed: DeclaredOf<'Feed'>; account: Account; credentials: DeclaredOf<'Credentials'> }

/**
 * Feeds that log in more often with an account than it allows at a time: the broker refuses the second, or ends the first, and their standby or gate
 * goes to and fro. A warning: which of them is right is not known, and an error would hold the edits of the one that serves too.
 */
export function sharedLogins(input: ConsistencyInput): Problem[] {
  const logins = objectsOf(input, 'Feed').flatMap(feed => loginsOf(input, feed))
  return [...Map.groupBy(logins, ({ credentials }) => credentials)].flatMap(([credentials, shared]) =>
    shared.length <= credentials.resource.spec.logins ? [] : shared.map(login => sharedLogin(login, shared)),
  )
}

/** A cold standby logs in when it is needed, and the active account does no longer: one of the two at a time. */
function loginsOf(input: ConsistencyInput, feed: DeclaredOf<'Feed'>): Login[] {
  const { credentials: named, profileRef, state } = feed.resource.spec
  const profile = referred(input, feed, 'FeedProfile', profileRef)
  if (state === 'Stopped' || profile?.resource.spec.gateway.type !== 'ctp') return []
  const used = accounts.filter(account => named.standby === 'warm' || account === named.active)
  return used.flatMap(account => {
    const name = named[account]
    const credentials = name === undefined ? undefined : referred(input, feed, 'Credentials', name)
    return credentials ? [{ feed, account, credentials }] : []
  })
}

function sharedLogin({ feed, account, credentials: { resource, origin } }: Login, shared: Login[]): Problem {
  const { name } = resource.metadata
  const feeds = shared.map(login => login.feed.resource.metadata.name).join(', ')
  const allowed = resource.spec.logins === 1 ? '1 login' : `${resource.spec.logins} logins`
  return problemAt(feed, ['spec', 'credentials', account], {
    severity: 'warning',
    category: 'consistency',
    reason: 'LoginsShared',
    message: `Credentials ${name} allow ${allowed} at a time, and the feeds ${feeds} log in with them`,
    hint: `give each feed an account of its own, or set logins: ${shared.length} in ${origin.file}:${origin.line} where the broker allows that`,
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
