import type { Fault } from '../../../crds/contract/fault.ts'
import { busCredentialsRef, type FeedInput, findRevision, type SecretOwner, type Violation } from './input.ts'

type Check = (input: FeedInput) => Violation | undefined

/** In order; the first violation is the one that an operator is told, because the later ones often follow from it. */
const declaredChecks: Check[] = [
  hostDeclared,
  profileDeclared,
  credentialsDeclared,
  setsDeclared,
  objectsConsistent,
  instrumentsResolved,
  secretsReadable,
]

/** With `spec.revision`, profile and sets are what they were: a mistake in today's must not bar the way back to yesterday's. */
const pinnedChecks: Check[] = [
  hostDeclared,
  revisionKept,
  credentialsDeclared,
  accountsDeclared,
  pinnedHostDeclared,
  objectsConsistent,
  secretsReadable,
]

/** The first reason why what is declared cannot be carried out; what runs stays as it is. */
export function firstViolation(input: FeedInput): Violation | undefined {
  const isPinned = input.declared?.resource.spec.revision !== undefined
  for (const check of isPinned ? pinnedChecks : declaredChecks) {
    const violation = check(input)
    if (violation) return violation
  }
  return undefined
}

function hostDeclared({ declared, host }: FeedInput): Violation | undefined {
  return host ? undefined : missing('Host', declared?.resource.spec.hostRef, 'spec.hostRef')
}

function profileDeclared({ declared, profile }: FeedInput): Violation | undefined {
  return profile ? undefined : missing('FeedProfile', declared?.resource.spec.profileRef, 'spec.profileRef')
}

function credentialsDeclared({ declared, profile, credentials, revisions }: FeedInput): Violation | undefined {
  const named: [SecretOwner, string | undefined, string][] = [
    ['primary', declared?.resource.spec.credentials.primary, 'spec.credentials.primary'],
    ['backup', declared?.resource.spec.credentials.backup, 'spec.credentials.backup'],
    ['nats', busCredentialsRef({ declared, profile, revisions }), 'spec.profileRef'],
  ]
  const gone = named.find(([owner, name]) => name !== undefined && credentials[owner] === undefined)
  return gone && missing('Credentials', gone[1], gone[2])
}

function setsDeclared({ declared, sets }: FeedInput): Violation | undefined {
  const known = new Set(sets.map(({ resource }) => resource.metadata.name))
  const [index, name] = declared?.resource.spec.subscriptions.entries().find(([, candidate]) => !known.has(candidate)) ?? []
  return name === undefined ? undefined : missing('SubscriptionSet', name, `spec.subscriptions[${index}]`)
}

function objectsConsistent({ declared, problems }: FeedInput): Violation | undefined {
  const isPinned = declared?.resource.spec.revision !== undefined
  const problem = problems.find(candidate => candidate.severity === 'error' && !(isPinned && isReplaced(candidate)))
  if (!problem) return undefined
  const place = `${problem.file}:${problem.line}:${problem.column}`
  return {
    class: 'stalled',
    reason: problem.reason,
    message: `${place}: ${problem.message}: ${problem.hint}`,
    path: problem.path,
  }
}

/** A pinned revision brings its own profile, instruments and image. */
function isReplaced({ kind, path }: FeedInput['problems'][number]): boolean {
  if (kind === 'FeedProfile' || kind === 'SubscriptionSet') return true
  return kind === 'Feed' && /^spec\.(profileRef|subscriptions|image)\b/.test(path)
}

function instrumentsResolved({ resolution }: FeedInput): Violation | undefined {
  const problem = resolution?.problems.find(candidate => candidate.severity === 'error')
  return (
    problem && {
      class: 'stalled',
      reason: problem.reason,
      message: `${problem.message}: ${problem.hint}`,
      path: 'spec.subscriptions',
    }
  )
}

function secretsReadable({ secrets }: FeedInput): Violation | undefined {
  for (const [owner, view] of Object.entries(secrets)) if (view && 'fault' in view) return violationOf(owner, view.fault)
  return undefined
}

/** Why the secrets of an account, or of the bus, hold a feed. */
export function violationOf(owner: string, { class: faultClass, reason, message }: Fault): Violation {
  return { class: faultClass, reason, message, path: `spec.credentials.${owner}` }
}

/** A revision that runs two accounts needs the secrets of both. */
function accountsDeclared(input: FeedInput): Violation | undefined {
  const pinned = findRevision(input, input.declared?.resource.spec.revision)
  const account = pinned?.snapshot.launch.accounts.find(name => input.declared?.resource.spec.credentials[name] === undefined)
  if (!pinned || account === undefined) return undefined
  const path = `spec.credentials.${account}`
  const message = `revision ${pinned.number} runs the ${account} account, which is not declared any more: set ${path}`
  return { class: 'stalled', reason: 'AccountNotDeclared', message, path }
}

function pinnedHostDeclared(input: FeedInput): Violation | undefined {
  const name = findRevision(input, input.declared?.resource.spec.revision)?.snapshot.hostRef
  return name !== undefined && input.engines.get(name)?.declared === false ? missing('Host', name, 'spec.revision') : undefined
}

function revisionKept({ declared, revisions }: FeedInput): Violation | undefined {
  const pinned = declared?.resource.spec.revision
  if (pinned === undefined || revisions.some(({ number }) => number === pinned)) return undefined
  const kept = revisions.map(({ number }) => number).join(', ') || 'none'
  return {
    class: 'stalled',
    reason: 'RevisionNotFound',
    message: `revision ${pinned} is not kept (kept: ${kept}): name one of these in spec.revision, or remove the line`,
    path: 'spec.revision',
  }
}

function missing(kind: string, name: string | undefined, path: string): Violation {
  return {
    class: 'waiting',
    reason: `${kind}NotFound`,
    message: `${kind} ${name} is not declared in the namespace: declare it, or correct ${path}`,
    path,
  }
}
