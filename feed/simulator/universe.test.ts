import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { defaultUniverse, readUniverse } from './universe.ts'

const six = fileURLToPath(new URL('testdata.json', import.meta.url))

describe('the universe', () => {
  it('is the shipped catalogue', async () => {
    const instruments = await readUniverse([defaultUniverse])
    expect(instruments).toHaveLength(14_246)
    expect(instruments[0]).toMatchObject({ id: 'cs1605', exchange: 'DCE', priceTick: 1 })
  })

  it('begins with the same instruments when it is smaller', async () => {
    const [all, few] = await Promise.all([readUniverse([defaultUniverse]), readUniverse([defaultUniverse], 100)])
    expect(few).toEqual(all.slice(0, 100))
  })

  it('goes on with later months up to 20,000, always the same, without a name twice', async () => {
    const [once, twice] = await Promise.all([readUniverse([defaultUniverse], 20_000), readUniverse([defaultUniverse], 20_000)])
    expect(once).toEqual(twice)
    expect(new Set(once.map(({ id }) => id)).size).toBe(20_000)
    expect(once[14_246]).toMatchObject({ id: 'cs2105', exchange: 'DCE' })
  })

  it.each([0, 20_001, 1000])('refuses %i instruments, which six of a list cannot be', async count => {
    await expect(readUniverse([six], count)).rejects.toMatchObject({ reason: 'UniverseSize' })
  })

  it('names a file that it cannot read', async () => {
    await expect(readUniverse(['/nowhere.json.gz'])).rejects.toMatchObject({
      reason: 'CatalogueUnreadable',
      message: expect.stringContaining('/nowhere.json.gz'),
    })
  })
})
