import { type Fault, stalled, transient, waiting } from '../../crds/contract/fault.ts'
import type { FrontError } from '../gateways/gateway.ts'

/**
 * What a refused login means. Fronts lock an account after a few wrong passwords, so those are never sent twice; the ids are CTP's
 * (`error.xml`).
 */
export function loginFaultOf(error: FrontError): Fault {
  const text = `the front refused the login: ${error.ErrorID} ${error.ErrorMsg}`
  switch (error.ErrorID) {
    case 3:
      return stalled('LoginRefused', `${text}; correct the account's secrets`)
    case 131:
      return stalled('WeakPassword', `${text}; set a stronger password with the broker, then in the account's secrets`)
    case 140:
      return stalled('PasswordChangeRequired', `${text}; change it with the broker's own client, then in the account's secrets`)
    case 75:
      return waiting(
        'AccountLocked',
        `${text}; have the broker unlock it, then \`feedctl retry FEED\`: it is not tried again by itself`,
      )
    case 143:
      return waiting(
        'AccountLocked',
        `${text}; the front has banned this address for a while: \`feedctl retry FEED\` later, it is not tried again by itself`,
      )
    case 60:
      return transient('SessionLimit', `${text}; end another session of the account`)
    case 8:
      return transient('FrontInactive', text)
    default:
      return refusedForGood.has(error.ErrorID)
        ? stalled('LoginRefused', `${text}; ask the broker, then correct the account's secrets`)
        : transient('LoginFailed', text)
  }
}

/**
 * Ids that no further try can change, and that may lock the account if tried (CTP's `error.xml`): 4 user unknown or inactive, 9, 48, 49 and
 * 57 no permission, 11 and 12 unknown participant or investor, 63 and 64 refused authentication, 141 password expired, 144 address on the
 * front's black list.
 */
const refusedForGood = new Set([4, 9, 11, 12, 48, 49, 57, 63, 64, 141, 144])

/** Whether trying again by itself could harm: the session then waits for other secrets, or to be told to. */
export function endsTries(fault: Fault): boolean {
  return fault.class !== 'transient'
}
