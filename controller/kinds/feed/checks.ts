import type { FeedInput, SecretOwner, Violation } from './input.ts'

type Check = (input: FeedInput) => Violation | undefined

/** In order; the first violation is the one that an operator is told, because the later ones often follow from it. */
const checks: Check[] = [
  hostDeclared,
  profileDeclared,
  credentialsDeclared,
  setsDeclared,
  objectsConsistent,
  instrumentsResolved,
  secretsReadable,
  revisionKept,
]

/** The first reason why what is declared cannot be carried out; what runs stays as it is. */
export function firstViolation(input: FeedInput): Violation | undefined {
  for (const check of checks) {
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

function credentialsDeclared({ declared, profile, credentials }: FeedInput): Violation | undefined {
  const named: [SecretOwner, string | undefined, string][] = [
    ['primary', declared?.resource.spec.credentials.primary, 'spec.credentials.primary'],
    ['backup', declared?.resource.spec.credentials.backup, 'spec.credentials.backup'],
    ['nats', profile?.resource.spec.publish.credentialsRef, 'spec.profileRef'],
  ]
  const gone = named.find(([owner, name]) => name !== undefined && credentials[owner] === undefined)
  return gone && missing('Credentials', gone[1], gone[2])
}

function setsDeclared({ declared, sets }: FeedInput): Violation | undefined {
  const known = new Set(sets.map(({ resource }) => resource.metadata.name))
  const [index, name] = declared?.resource.spec.subscriptions.entries().find(([, candidate]) => !known.has(candidate)) ?? []
  return name === undefined ? undefined : missing('SubscriptionSet', name, `spec.subscriptions[${index}]`)
}

function objectsConsistent({ problems }: FeedInput): Violation | undefined {
  const problem = problems.find(candidate => candidate.severity === 'error')
  if (!problem) return undefined
  const place = `${problem.file}:${problem.line}:${problem.column}`
  return {
    class: 'stalled',
    reason: problem.reason,
    message: `${place}: ${problem.message}: ${problem.hint}`,
    path: problem.path,
  }
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
  for (const [owner, reading] of Object.entries(secrets)) {
    if (reading && 'fault' in reading) {
      const { fault } = reading
      return { class: fault.class, reason: fault.reason, message: fault.message, path: `spec.credentials.${owner}` }
    }
  }
  return undefined
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
