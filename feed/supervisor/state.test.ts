import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deserialize } from 'node:v8'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Desired } from '../../crds/contract/desired.ts'
import { columnsOf, emptyPosition } from '../session/position.ts'
import { groupOf } from '../session/testing.ts'
import { StateDirectory } from './state.ts'
import { desiredWith } from './testing.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'feedplane-state-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const give = (desired: Desired | string): void =>
  writeFileSync(join(directory, 'desired.json'), typeof desired === 'string' ? desired : JSON.stringify(desired))

describe('a feed starts from', () => {
  it("the controller's file where it has none of its own", () => {
    give(desiredWith({ epoch: 1 }))
    expect(new StateDirectory(directory).load()).toMatchObject({
      desired: { epoch: 1 },
      override: undefined,
      position: undefined,
    })
  })

  it('what it accepted last, where the file is older', () => {
    give(desiredWith({ epoch: 1 }))
    const state = new StateDirectory(directory)
    state.saveDesired(desiredWith({ epoch: 4 }))
    expect(state.load().desired.epoch).toBe(4)
  })

  it('what it accepted last with its instruments, of which others may come', () => {
    const state = new StateDirectory(directory)
    const { live } = desiredWith({})
    const withInstruments = (...instruments: string[]) => ({ ...live, instrumentGroups: [groupOf(instruments)] })
    const first = withInstruments('AP010')
    for (const accepted of [{ live: first }, { live: first, epoch: 2 }, { live: withInstruments('AP011'), epoch: 3 }].map(
      desiredWith,
    )) {
      state.saveDesired(accepted)
      expect(new StateDirectory(directory).load().desired).toEqual(accepted)
    }
  })

  it('what an older version accepted, which had it in one file', () => {
    const accepted = desiredWith({ epoch: 4 })
    const state = new StateDirectory(directory)
    writeFileSync(join(directory, 'state/desired.json'), JSON.stringify(accepted))
    expect(state.load().desired).toEqual(accepted)
  })

  it('the file where that has a higher epoch, or a higher revision in the same', () => {
    const state = new StateDirectory(directory)
    state.saveDesired(desiredWith({ epoch: 4, revision: 2 }))
    give(desiredWith({ epoch: 5 }))
    expect(state.load().desired.epoch).toBe(5)
    give(desiredWith({ epoch: 4, revision: 3 }))
    expect(state.load().desired.revision).toBe(3)
  })

  it('what it accepted last where the file is torn, and says so where nothing can be read', () => {
    const state = new StateDirectory(directory)
    give('{"version": 1')
    expect(() => state.load()).toThrow(expect.objectContaining({ class: 'stalled', reason: 'DesiredInvalid' }))
    state.saveDesired(desiredWith({ epoch: 4 }))
    expect(state.load().desired.epoch).toBe(4)
  })

  it('no state with a trading window that no calendar can work with, and says where it is', () => {
    const group = {
      exchange: 'SHFE',
      product: 'cu',
      class: 'future',
      multiplier: 5,
      priceTick: 10,
      instruments: [] as string[],
    } as const
    const { live, ...desired } = desiredWith({})
    const windows = { day: [['9:00', '10:00:00']] } as never
    give({ ...desired, live: { ...live, instrumentGroups: [{ ...group, windows }] } })
    expect(() => new StateDirectory(directory).load()).toThrow(
      /live\.instrumentGroups\.0\.windows\.day\.0\.0: write a time as HH:MM:SS/,
    )
  })

  it("the watchdog's override, until a desired state has passed its epoch", () => {
    const state = new StateDirectory(directory)
    const override = { active: 'backup', epoch: 5, since: 1, reason: 'silent' } as const
    state.saveOverride(override)
    state.saveDesired(desiredWith({ epoch: 4 }))
    expect(state.load().override).toEqual(override)
    state.saveDesired(desiredWith({ epoch: 6 }))
    expect(state.load().override).toBeUndefined()
  })

  it('the position that it saved', () => {
    const state = new StateDirectory(directory)
    state.saveDesired(desiredWith({}))
    const position = { ...emptyPosition(7), instruments: 'a', rows: Float64Array.of(3, 0, 0, 0) }
    state.savePosition(position)
    expect(state.load().position).toEqual(position)
    // As earlier versions wrote and read it: a rollback goes on from it.
    const saved = deserialize(readFileSync(join(directory, 'state/position')))
    expect(saved).toEqual({ exact: true, at: 7, instruments: 'a', ...columnsOf(position) })
    writeFileSync(join(directory, 'state/position'), 'torn')
    expect(state.load().position).toBeUndefined()
  })
})
