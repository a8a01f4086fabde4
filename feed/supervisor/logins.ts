import type { Account } from '../../crds/contract/desired.ts'
import { isGivenUp } from '../../crds/contract/feedstatus.ts'
import type { LoginRetry, LoginRetryAnswer } from '../../crds/contract/loginretry.ts'
import { subscriptionQuestionSchema } from '../../crds/contract/subscriptions.ts'
import type { SessionChild } from './child.ts'
import type { Supervisor } from './supervisor.ts'

const answerMs = 5000

/** Tries logins again that were given up, when an operator asks for it. */
export class Logins {
  readonly #supervisor: Pick<Supervisor, 'children' | 'say'>
  #token: string | undefined

  constructor(supervisor: Pick<Supervisor, 'children' | 'say'>) {
    this.#supervisor = supervisor
  }

  /**
   * Has every session that gave its login up try it once more; answers which, when their new state is reported. The same token a second
   * time does nothing. Throws a transient Fault where a session does not answer.
   */
  async retry({ token }: LoginRetry): Promise<LoginRetryAnswer> {
    const isNew = token !== this.#token
    this.#token = token
    const given = isNew ? [...this.#supervisor.children].filter(([, child]) => isWaitingForWord(child)) : []
    for (const [account, child] of given) this.#tell(account, child)
    await Promise.all(given.map(([, child]) => settled(child)))
    return { accounts: given.map(([account]) => account) }
  }

  #tell(account: Account, child: SessionChild): void {
    this.#supervisor.say({
      type: 'Normal',
      reason: 'LoginRetried',
      message: 'a login that was given up is tried once more, as asked',
      fields: { account },
    })
    child.tell({ type: 'retry' })
  }
}

function isWaitingForWord({ isUp, report }: SessionChild): boolean {
  return isUp && report !== undefined && isGivenUp(report.status)
}

/** Messages keep their order: what a session answers after the retry comes after the report of its new state. */
async function settled(child: SessionChild): Promise<void> {
  await child.list(subscriptionQuestionSchema.parse({ limit: 0 }), answerMs)
}
