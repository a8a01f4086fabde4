import type { Account } from '../../crds/contract/desired.ts'
import type {
  AccountListing,
  RetryAnswer,
  RetryRequest,
  SubscriptionQuestion,
  SubscriptionsView,
} from '../../crds/contract/subscriptions.ts'
import type { SessionChild } from './child.ts'
import type { Supervisor } from './supervisor.ts'

/** A session goes through 20,000 lines in some 20 ms; one that takes longer than this is in trouble. */
const answerMs = 5000

/** What has become of the subscriptions of the accounts that run. Throws a transient Fault where a session does not answer. */
export async function listSubscriptions(supervisor: Supervisor, question: SubscriptionQuestion): Promise<SubscriptionsView> {
  const accounts = await Promise.all(
    running(supervisor, question.account).map(async ([account, child]) => ({
      account,
      state: child.report?.status.state ?? ('starting' as const),
      ...(await child.list(question, answerMs)),
    })),
  )
  const { desired, active } = supervisor
  return { feed: desired.feed, at: Date.now(), active, silentAfterSeconds: question.silentAfterSeconds, accounts }
}

/** Everything of the question, page by page; bounded by the instruments of a feed. */
export async function listAll(child: SessionChild, question: SubscriptionQuestion): Promise<AccountListing> {
  const whole = await child.list(question, answerMs)
  for (let after = whole.next; after !== undefined; ) {
    const page = await child.list({ ...question, after }, answerMs)
    whole.items.push(...page.items)
    after = page.next
  }
  delete whole.next
  return whole
}

/** Asks for subscriptions again, on the accounts that run. Throws a transient Fault where a session does not answer. */
export async function retrySubscriptions(supervisor: Supervisor, request: RetryRequest): Promise<RetryAnswer> {
  const accounts = await Promise.all(
    running(supervisor, request.account).map(async ([account, child]) => ({
      account,
      asked: await child.renew(request, answerMs),
    })),
  )
  const asked = accounts.reduce((sum, one) => sum + one.asked, 0)
  if (asked > 0)
    supervisor.say({
      type: 'Normal',
      reason: 'ResubscribeAsked',
      message: 'subscriptions are to be asked for again',
      fields: { asked, states: request.states.join(',') },
    })
  return { accounts }
}

function running(supervisor: Supervisor, wanted: Account | undefined): [Account, SessionChild][] {
  return [...supervisor.children].filter(([account, child]) => child.isUp && (wanted === undefined || account === wanted))
}
