import { describe, expect, it } from 'vitest'
import type { Kind } from '../kind.ts'
import { kinds } from '../kinds.ts'
import { differences, generatedFolders, outputs } from './output.ts'

const all = Object.values(kinds) as unknown as Kind[]
const example = '# yaml-language-server: $schema=x.json\nkind: Example\n'
const generate = () => outputs(all, () => example)

describe('what is generated', () => {
  const files = generate()

  it('is the same every time', () => {
    expect(generate()).toEqual(files)
  })

  it('is a definition, an editor schema and a page for each kind, and what leads to them', () => {
    expect(files.size).toBe(3 * all.length + 2)
    expect([...files.keys()].filter(path => !generatedFolders.some(folder => path.startsWith(`${folder}/`)))).toEqual([])
  })

  it('shows the example without the line that is for editors', () => {
    expect(files.get('docs/reference/kinds/host.md')).toContain('```yaml\nkind: Example\n```')
  })

  it('has rows of as many cells as their header, whatever a pattern or a rule holds', () => {
    const pages = [...files].filter(([path]) => path.endsWith('.md')).map(([, text]) => text)
    const tables = pages.flatMap(text => text.match(/(^\|.*\n)+/gm) ?? [])
    const cells = (row: string) => row.split(/(?<!\\)\|/).length
    expect(tables.length).toBeGreaterThan(3 * all.length)
    for (const [header = '', ...rows] of tables.map(table => table.trim().split('\n')))
      expect(rows.filter(row => cells(row) !== cells(header))).toEqual([])
  })
})

describe('a check', () => {
  it('finds what is missing, what differs and what is left over', () => {
    const wanted = new Map([
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ])
    const committed = new Map([
      ['b', '2'],
      ['c', 'old'],
      ['d', '4'],
    ])
    expect(differences(wanted, committed)).toEqual([
      { path: 'a', how: 'missing' },
      { path: 'c', how: 'differs' },
      { path: 'd', how: 'left over' },
    ])
  })

  it('finds nothing where the files are what is generated', () => {
    expect(differences(generate(), generate())).toEqual([])
  })
})
