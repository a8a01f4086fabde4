import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fault } from '../../crds/contract/fault.ts'
import { openCatalogues } from './catalogue.ts'

let folder: string
let data: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'feedplane-catalogue-'))
  data = join(folder, 'data')
  await mkdir(data)
})

afterEach(() => rm(folder, { recursive: true }))

const entry = (id: string, exchange = 'SHFE') => ({
  ...{ instrument_id: id, exchange_id: exchange, ins_class: 'FUTURE', product_id: 'rb', price_tick: 1, volume_multiple: 10 },
  trading_time: { day: [['09:00:00', '10:15:00']] },
})

const write = (name: string, ...ids: string[]) => writeFile(join(data, name), JSON.stringify(ids.map(id => entry(id))))

async function load(name: string, loader = openCatalogues(data)) {
  const loaded = (await loader.load([name])).get(name)
  return loaded instanceof Fault ? `${loaded.class} ${loaded.reason}` : loaded?.names
}

describe('the catalogue loader', () => {
  it('reads plain and packed files, in the order of names', async () => {
    await write('a.json', 'rb2', 'rb1')
    await writeFile(join(data, 'b.json.gz'), gzipSync(JSON.stringify([entry('rb3')])))
    expect(await load('a.json')).toEqual(['SHFE.rb1', 'SHFE.rb2'])
    expect(await load('b.json.gz')).toEqual(['SHFE.rb3'])
  })

  it('reads a file again only when it has changed', async () => {
    const loader = openCatalogues(data)
    await write('a.json', 'rb1')
    const first = (await loader.load(['a.json'])).get('a.json')
    expect((await loader.load(['a.json'])).get('a.json')).toBe(first)
    await write('a.json', 'rb2')
    await utimes(join(data, 'a.json'), 1, 1)
    expect(await load('a.json', loader)).toEqual(['SHFE.rb2'])
  })

  it('finds a file that was not there before', async () => {
    const loader = openCatalogues(data)
    expect(await load('a.json', loader)).toBe('stalled CatalogueNotFound')
    await write('a.json', 'rb1')
    expect(await load('a.json', loader)).toEqual(['SHFE.rb1'])
  })

  it.each([
    ['no JSON', 'a.json', '[{', 'stalled CatalogueInvalid'],
    ['another shape', 'a.json', '[{"instrument_id": 5}]', 'stalled CatalogueInvalid'],
    ['an instrument twice', 'a.json', JSON.stringify([entry('rb1'), entry('rb1')]), 'stalled CatalogueInvalid'],
    ['no gzip', 'a.json.gz', '[]', 'stalled CatalogueInvalid'],
    ['a bomb', 'a.json.gz', gzipSync(Buffer.alloc(80 * 1024 * 1024)), 'stalled CatalogueTooLarge'],
  ])('refuses %s', async (_, name, content, fault) => {
    await writeFile(join(data, name), content)
    expect(await load(name)).toBe(fault)
  })

  it('does not follow a link out of the data directory', async () => {
    await writeFile(join(folder, 'secret.json'), JSON.stringify([entry('rb1')]))
    await symlink(join(folder, 'secret.json'), join(data, 'a.json'))
    await symlink(folder, join(data, 'up'))
    expect(await load('a.json')).toBe('stalled CatalogueOutside')
    expect(await load('up/secret.json')).toBe('stalled CatalogueOutside')
  })

  it('says that a folder is no catalogue, and tries again', async () => {
    await mkdir(join(data, 'a.json'))
    expect(await load('a.json')).toBe('transient CatalogueUnreadable')
  })
})
