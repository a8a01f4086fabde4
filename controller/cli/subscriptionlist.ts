import { maxListed, type Subscription, type SubscriptionsView } from '../../crds/contract/subscriptions.ts'
import type { SubscriptionsQuery } from './client.ts'
import type { Context } from './context.ts'
import { trouble } from './exit.ts'
import type { AccountPage } from './subscriptionpage.ts'

/** Every page of every account, up to `rows` instruments of each. */
export async function readAll(
  context: Context,
  key: string,
  query: SubscriptionsQuery,
  rows: number,
): Promise<SubscriptionsView> {
  const limit = Math.min(rows, maxListed)
  const view = await context.controller.subscriptions(key, { ...query, limit })
  if (view.accounts.length === 0) throw trouble(`no session of ${key} runs`, `\`feedctl describe feed ${key}\` says why`)
  for (const page of view.accounts) await readOn(context, key, query, page, rows)
  return view
}

async function readOn(context: Context, key: string, query: SubscriptionsQuery, page: AccountPage, rows: number): Promise<void> {
  while (page.next !== undefined && page.items.length < rows) {
    const limit = Math.min(rows - page.items.length, maxListed)
    const next = await context.controller.subscriptions(key, { ...query, account: page.account, limit, after: page.next })
    const [more] = next.accounts
    if (more === undefined || more.items.length === 0) return
    page.items.push(...(more.items as Subscription[]))
    if (more.next === undefined) delete page.next
    else page.next = more.next
  }
}
