import { describe, expect, it } from 'vitest'
import type { Account } from '../../crds/contract/desired.ts'
import { emptyPosition, type Position } from '../session/position.ts'
import type { Opening, SessionChild } from './child.ts'
import { Failovers } from './failovers.ts'
import type { Fence } from './fence.ts'
import { Gatekeeper, type GateWanted } from './gatekeeper.ts'
import { Ledger } from './ledger.ts'
import type { StateDirectory } from './state.ts'

/** Two live sessions that do as they are told, a fence of which the test knows the answer, and what was done, in order. */
function scene(admits: (epoch: number) => Promise<boolean> = async () => true) {
  const done: string[] = []
  const child = (account: Account) => ({
    isUp: true,
    report: { status: { state: 'live' } },
    open: async ({ epoch }: Opening) => void done.push(`open ${account} ${epoch}`),
    close: async (isDeposed: boolean): Promise<Position> => {
      done.push(`close ${account}${isDeposed ? ' deposed' : ''}`)
      return emptyPosition(0)
    },
  })
  const fence = {
    rival: 0,
    deposedBy: (epoch: number) => (fence.rival >= epoch ? { epoch: fence.rival } : undefined),
    admits: (epoch: number) => {
      done.push(`await ${epoch}`)
      return admits(epoch)
    },
    claim: (epoch: number) => void done.push(`claim ${epoch}`),
    release: () => undefined,
  }
  const wanted: GateWanted = { role: 'publisher', account: 'primary', epoch: 1, why: 'declared' }
  const ledger = new Ledger({ savePosition: () => undefined } as unknown as StateDirectory, undefined, () => undefined)
  const keeper = new Gatekeeper({
    children: new Map((['primary', 'backup'] as const).map(name => [name, child(name) as unknown as SessionChild])),
    wanted: () => ({ ...wanted }),
    ledger,
    failovers: new Failovers(),
    fence: fence as unknown as Fence,
    say: () => undefined,
    ask: () => undefined,
  })
  const converge = async (change: Partial<GateWanted> = {}) => {
    Object.assign(wanted, change)
    done.length = 0
    await keeper.converge()
    return done
  }
  return { keeper, fence, wanted, ledger, converge }
}

describe('the gate', () => {
  it('opens where its epoch is claimed, and stays closed where it is not ours', async () => {
    expect(await scene().converge()).toEqual(['await 1', 'open primary 1'])
    const refused = scene(async () => false)
    expect(await refused.converge()).toEqual(['await 1'])
    expect(refused.keeper.open).toBeUndefined()
  })

  it('moves within the process without waiting for the claim', async () => {
    const { converge, keeper } = scene()
    await converge()
    expect(await converge({ account: 'backup', epoch: 2 })).toEqual(['close primary', 'claim 2', 'open backup 2'])
    expect(await converge({ epoch: 3 })).toEqual(['claim 3', 'open backup 3'])
    expect(keeper.open).toMatchObject({ account: 'backup', epoch: 3 })
  })

  it('goes to the other account without waiting where the session that had it open has died', async () => {
    const { converge, keeper } = scene()
    await converge()
    keeper.gone('primary', true)
    expect(await converge({ account: 'backup', epoch: 2 })).toEqual(['claim 2', 'open backup 2'])
  })

  it('is closed at once, with nothing more sent and its position unknown, where another process has the epoch', async () => {
    const { converge, keeper, fence, ledger } = scene()
    await converge()
    fence.rival = 7
    expect(await converge()).toEqual(['close primary deposed'])
    expect(keeper.open).toBeUndefined()
    expect(ledger.position.exact).toBe(false)
    expect(await converge({ epoch: 7 })).toEqual([])
    expect(await converge({ epoch: 8 })).toEqual(['await 8', 'open primary 8'])
  })

  it('waits for a claim again when it was muted in between', async () => {
    const { converge } = scene()
    await converge()
    expect(await converge({ role: 'standby', epoch: 2 })).toEqual(['close primary'])
    expect(await converge({ role: 'publisher', epoch: 3 })).toEqual(['await 3', 'open primary 3'])
  })

  it('waits for a claim where it was muted after the session that had it open died', async () => {
    const { converge, keeper } = scene()
    await converge()
    keeper.gone('primary', true)
    expect(await converge({ role: 'standby', epoch: 2 })).toEqual([])
    expect(await converge({ role: 'publisher', account: 'backup', epoch: 3 })).toEqual(['await 3', 'open backup 3'])
  })

  it('does not open where something else is wanted when the claim comes', async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const { converge, keeper, wanted } = scene(() => promise)
    const pass = converge()
    Object.assign(wanted, { role: 'standby', epoch: 2 })
    resolve(true)
    await pass
    expect(keeper.open).toBeUndefined()
  })
})
