import { type Account, accounts } from '../../crds/contract/desired.ts'
import { keysOf, missingKeys } from '../secrets/secret.ts'
import type { MemberPath, Problem } from '../sources/problem.ts'
import type { Declared } from '../sources/source.ts'
import { type ConsistencyInput, type DeclaredOf, objectsOf, referred } from './input.ts'
import { problemAt } from './problem.ts'

/** A feed logs in with accounts of type ctp; a profile publishes with one of type nats. */
export function wrongAccountTypes(input: ConsistencyInput): Problem[] {
  const ofProfiles = objectsOf(input, 'FeedProfile').flatMap(profile =>
    wrongType(input, profile, ['spec', 'publish', 'credentialsRef'], profile.resource.spec.publish.credentialsRef, 'nats'),
  )
  const ofFeeds = objectsOf(input, 'Feed').flatMap(feed =>
    accounts.flatMap(account =>
      wrongType(input, feed, ['spec', 'credentials', account], feed.resource.spec.credentials[account], 'ctp'),
    ),
  )
  return [...ofProfiles, ...ofFeeds]
}

function wrongType(
  input: ConsistencyInput,
  from: Declared,
  path: MemberPath,
  name: string | undefined,
  wanted: 'ctp' | 'nats',
): Problem[] {
  const credentials = name === undefined ? undefined : referred(input, from, 'Credentials', name)
  if (credentials === undefined || credentials.resource.spec.account === wanted) return []
  const { file, line } = credentials.origin
  return [
    problemAt(from, path, {
      category: 'consistency',
      reason: 'WrongAccountType',
      message: `Credentials ${name} are of the account type ${credentials.resource.spec.account}, and ${wanted} is needed here`,
      hint: `name Credentials with account: ${wanted}, or set it in ${file}:${line}`,
    }),
  ]
}

/**
 * Every account of a feed needs a front, from the profile or from its own MD_ADDRESS. Fronts for one account and none for the other
 * are a mistake, and an error unless MD_ADDRESS is known to be there; where it may be in a file, or a Vault, that this check does not read, or
 * the profile names no front at all, a warning.
 */
export function missingFronts(input: ConsistencyInput): Problem[] {
  return objectsOf(input, 'Feed').flatMap(feed => {
    const profile = referred(input, feed, 'FeedProfile', feed.resource.spec.profileRef)
    if (profile === undefined || profile.resource.spec.gateway.type === 'replay') return []
    return accounts.flatMap(account => missingFront(input, feed, profile, account))
  })
}

function missingFront(
  input: ConsistencyInput,
  feed: DeclaredOf<'Feed'>,
  profile: DeclaredOf<'FeedProfile'>,
  account: Account,
): Problem[] {
  const name = feed.resource.spec.credentials[account]
  const { fronts } = profile.resource.spec.gateway
  const credentials = name === undefined ? undefined : referred(input, feed, 'Credentials', name)
  if (credentials === undefined || fronts?.[account] !== undefined) return []
  const { env } = credentials.resource.spec
  if (env !== undefined && input.env[`${env.prefix}MD_ADDRESS`]) return []
  const isHalf = accounts.some(other => fronts?.[other] !== undefined)
  const { name: profileName } = profile.resource.metadata
  return [
    problemAt(feed, ['spec', 'credentials', account], {
      category: 'consistency',
      severity: isHalf && env !== undefined ? 'error' : 'warning',
      reason: 'PartialAccount',
      message: `the ${account} account has no front: FeedProfile ${profileName} (${placeOf(profile)}) names none for it`,
      hint: `add gateway.fronts.${account} to the profile, or give ${name} an MD_ADDRESS`,
    }),
  ]
}

/** Variables of an account: none at all is a machine without secrets (a warning), some of them is an account that somebody half set up. */
export function partialSecrets(input: ConsistencyInput): Problem[] {
  return objectsOf(input, 'Credentials').flatMap(credentials => {
    const { account, env } = credentials.resource.spec
    if (env === undefined) return []
    const present = keysOf(account).filter(key => input.env[env.prefix + key])
    const missing = missingKeys(account, present)
    return missing.length === 0 ? [] : [missingSecrets(credentials, env.prefix, present, missing)]
  })
}

function missingSecrets(credentials: Declared, prefix: string, present: string[], missing: string[]): Problem {
  const isPartial = present.length > 0
  const wanted = missing.map(key => key.replaceAll(/\b[A-Z_]{2,}\b/g, name => prefix + name)).join(', ')
  return problemAt(credentials, ['spec', 'env', 'prefix'], {
    category: 'consistency',
    severity: isPartial ? 'error' : 'warning',
    reason: isPartial ? 'PartialAccount' : 'SecretsAbsent',
    message: isPartial
      ? `the environment has ${present.map(key => prefix + key).join(', ')} of this account, but not ${wanted}`
      : `the environment has no variable that begins with ${prefix}`,
    hint: `set ${wanted} in the environment of the controller`,
  })
}

function placeOf({ origin }: Declared): string {
  return `${origin.file}:${origin.line}`
}
