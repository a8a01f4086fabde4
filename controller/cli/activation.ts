import type { Account } from '../../crds/contract/desired.ts'
import { requestAnnotations } from '../../crds/feed.ts'
import { declaredSpec, newGeneration, type Subject, type Wish } from './change.ts'
import type { Context } from './context.ts'
import { refused } from './exit.ts'

/** The edit that makes an account publish: `credentials.active`, or a failback token where only the watchdog's override is in the way. */
export function activate(context: Context, subject: Subject, account: Account): Wish {
  const declared = declaredActive(subject)
  if (account === 'backup' && credentialsOf(subject).backup === undefined) {
    throw refused(
      `${subject.identity.namespace}/${subject.identity.name} has no backup account`,
      'declare one in spec.credentials.backup',
    )
  }
  const change = { path: ['spec', 'credentials', 'active'], value: account }
  if (declared !== account) return { change, goal: { ...newGeneration(subject), active: account } }
  const active = subject.view?.status.active
  if (active === undefined || active === account)
    return { already: `${account} is declared active${active === undefined ? '' : ' and publishes'} already` }
  return endOverride(context, subject, account)
}

/** The account that publishes, as far as anyone knows; else the declared one. */
export function publishing(subject: Subject): Account {
  return subject.view?.status.active ?? declaredActive(subject)
}

function endOverride(context: Context, subject: Subject, account: Account): Wish {
  const isOverride = subject.view?.status.activeReason === 'Override'
  if (!isOverride)
    return { already: `${account} is declared active and the controller is on its way there`, goal: { active: account } }
  const token = context.newToken()
  return {
    change: { path: ['metadata', 'annotations', requestAnnotations.failback], value: token },
    goal: { token, active: account },
  }
}

function declaredActive(subject: Subject): Account {
  return credentialsOf(subject).active === 'backup' ? 'backup' : 'primary'
}

function credentialsOf(subject: Subject): Record<string, unknown> {
  return (declaredSpec(subject).credentials ?? {}) as Record<string, unknown>
}
