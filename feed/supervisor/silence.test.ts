import { describe, expect, it } from 'vitest'
import { silentGroupsOf } from './silence.ts'
import type { Supervisor } from './supervisor.ts'

const gold = { group: 'SHFE/21:00-02:30', since: 1 }

function supervisor(
  change: { calendar?: string; enabled?: boolean; role?: string; openGate?: object | undefined; sights?: number } = {},
) {
  const { calendar = 'china-futures', enabled = true, role = 'publisher', sights = 2 } = change
  return {
    desired: { launch: { calendar: { type: calendar } }, live: { role, watchdog: { enabled } } },
    openGate: 'openGate' in change ? change.openGate : { account: 'backup' },
    isMoving: false,
    tickWatch: { sights: Array.from({ length: sights }), silentOf: (account: string) => (account === 'backup' ? [gold] : []) },
  } as unknown as Supervisor
}

describe('the silent groups of a feed', () => {
  it('are those of the account that publishes', () => {
    expect(silentGroupsOf(supervisor())).toEqual([gold])
    expect(silentGroupsOf(supervisor({ openGate: { account: 'primary' } }))).toEqual([])
  })

  it('are none where nothing is published, or the watchdog is off', () => {
    expect(silentGroupsOf(supervisor({ openGate: undefined }))).toEqual([])
    expect(silentGroupsOf(supervisor({ role: 'standby' }))).toEqual([])
    expect(silentGroupsOf(supervisor({ enabled: false }))).toEqual([])
  })

  it('are all or none where the calendar knows no sessions: one of several may just be closed', () => {
    expect(silentGroupsOf(supervisor({ calendar: 'always' }))).toEqual([])
    expect(silentGroupsOf(supervisor({ calendar: 'always', sights: 1 }))).toEqual([gold])
  })
})
