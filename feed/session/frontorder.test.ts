import { expect, it } from 'vitest'
import { beginAt } from './frontorder.ts'

const secrets = { BROKER_ID: '9999', USER_ID: 'u', PASSWORD: 'p' }
const gateway = {
  type: 'simulator' as const,
  fronts: { primary: ['tcp://a:1', 'tcp://b:1', 'tcp://c:1'], backup: ['tcp://d:1'] },
}

it('begins with another front each turn, and keeps them all', () => {
  const orders = [0, 1, 2, 3].map(turn => beginAt(turn, gateway, 'primary', secrets).gateway.fronts?.primary?.join(' '))
  expect(orders).toEqual([
    'tcp://a:1 tcp://b:1 tcp://c:1',
    'tcp://b:1 tcp://c:1 tcp://a:1',
    'tcp://c:1 tcp://a:1 tcp://b:1',
    'tcp://a:1 tcp://b:1 tcp://c:1',
  ])
  expect(beginAt(1, gateway, 'primary', secrets).gateway.fronts?.backup).toEqual(['tcp://d:1'])
})

it("turns the account's own addresses too", () => {
  const own = { ...secrets, MD_ADDRESS: 'a:1,b:1' }
  expect(beginAt(1, { type: 'ctp' }, 'backup', own).secrets.MD_ADDRESS).toBe('b:1,a:1')
  expect(beginAt(5, { type: 'replay' }, 'backup', secrets)).toEqual({ gateway: { type: 'replay' }, secrets })
})
