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
        `${text}; have the broker unlock it, then restart the feed: it is not tried again by itself`,
      )
    case 60:
      return transient('SessionLimit', `${text}; end another session of the account`)
    case 8:
      return transient('FrontInactive', text)
    default:
      return transient('LoginFailed', text)
  }
}

/** Whether trying again by itself could harm: the session then waits for other secrets or another desired state. */
export function endsTries(fault: Fault): boolean {
  return fault.class !== 'transient'
}
