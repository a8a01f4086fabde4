import { describe, expect, it } from 'vitest'
import type { Account } from '../../crds/contract/desired.ts'
import type { SessionEvent, ToSession } from '../session/message.ts'
import type { SessionChild } from './child.ts'
import { Logins } from './logins.ts'

function stage(states: Partial<Record<Account, { state: string; reason?: string }>>) {
  const told: string[] = []
  const said: SessionEvent[] = []
  const childOf = (account: Account, status: object) =>
    ({
      isUp: true,
      report: { status },
      tell: ({ type }: ToSession) => void told.push(`${account} ${type}`),
      list: async () => void told.push(`${account} answered`),
    }) as unknown as SessionChild
  const children = new Map(
    Object.entries(states).map(([account, status]) => [account as Account, childOf(account as Account, status)]),
  )
  return { told, said, logins: new Logins({ children, say: event => void said.push(event) }) }
}

const locked = { state: 'waiting', reason: 'AccountLocked' }

describe('a retry of logins', () => {
  it('tells those that gave up, waits for their word, and says so', async () => {
    const { told, said, logins } = stage({ primary: locked, backup: { state: 'failed', reason: 'LoginRefused' } })
    expect(await logins.retry({ token: 'a' })).toEqual({ accounts: ['primary', 'backup'] })
    expect(told).toEqual(['primary retry', 'backup retry', 'primary answered', 'backup answered'])
    expect(said.map(({ reason, fields }) => [reason, fields?.account])).toEqual([
      ['LoginRetried', 'primary'],
      ['LoginRetried', 'backup'],
    ])
  })

  it('leaves those alone that are live, or try again by themselves', async () => {
    const { told, logins } = stage({ primary: { state: 'live' }, backup: { state: 'waiting', reason: 'SessionLimit' } })
    expect(await logins.retry({ token: 'a' })).toEqual({ accounts: [] })
    expect(told).toEqual([])
  })

  it('is done once for a token', async () => {
    const { told, logins } = stage({ primary: locked })
    await logins.retry({ token: 'a' })
    expect(await logins.retry({ token: 'a' })).toEqual({ accounts: [] })
    expect(told.filter(word => word.endsWith('retry'))).toHaveLength(1)
    expect(await logins.retry({ token: 'b' })).toEqual({ accounts: ['primary'] })
  })
})
