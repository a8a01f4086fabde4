import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LastGood, memoryLastGood } from './lastgood.ts'
import { openLedger, type Verdict } from './ledger.ts'
import { type Look, type SeenFile, textOf } from './tree.ts'

const root = '/declared'
const head = 'apiVersion: feedplane.dev/v1alpha1\nkind: Host\n'
const hosts = (...names: string[]) => names.map(name => host(name)).join('---\n')

function host(name: string, project = 'feedplane'): string {
  return `${head}metadata: {name: ${name}}\nspec: {engine: {type: docker}, project: ${project}}\n`
}

function look(files: Record<string, string | Buffer | { problem: string }>, known = true): Look {
  const seen = Object.entries(files).map(([path, content]): [string, SeenFile] => [path, fileOf(path, content)])
  return { files: new Map(seen), known, problems: [] }
}

function fileOf(path: string, content: string | Buffer | { problem: string }): SeenFile {
  const at = { stamp: '', readAt: 0 }
  if (typeof content === 'string' || Buffer.isBuffer(content)) {
    return { ...at, ...textOf(`${root}/${path}`, Buffer.from(content)) }
  }
  const place = { file: `${root}/${path}`, line: 1, column: 1, path: '', document: 1, severity: 'error' as const }
  return { ...at, problem: { ...place, category: 'unreadable', reason: content.problem, message: 'no', hint: 'no' } }
}

function names({ objects }: Verdict): string[] {
  return [...objects.values()].map(({ resource }) => resource.metadata.name).sort()
}

function reasons({ problems }: Verdict): string[] {
  return problems.map(problem => problem.reason)
}

function opened(files: Record<string, string>, lastGood: LastGood = memoryLastGood()) {
  const ledger = openLedger(root, lastGood)
  return { ledger, lastGood, first: ledger.consider(look(files), false) }
}

describe('a file that goes bad', () => {
  it('keeps all of its objects as they were, and says what is wrong', () => {
    const { ledger, first } = opened({ 'a.yaml': hosts('one', 'two') })
    const bad = ledger.consider(look({ 'a.yaml': `${host('one', 'other')}---\nkind: [` }), true)
    expect([...bad.objects.values()]).toEqual([...first.objects.values()])
    expect(reasons(bad)).toEqual(['SyntaxError'])
    expect(bad.complete).toBe(true)
  })

  it('keeps them across a restart', () => {
    const { lastGood } = opened({ 'a.yaml': hosts('one', 'two') })
    const restarted = openLedger(root, lastGood).consider(look({ 'a.yaml': 'kind: [' }), true)
    expect(names(restarted)).toEqual(['one', 'two'])
  })

  it('declares nothing if it was never good', () => {
    const { first } = opened({ 'a.yaml': `${host('one')}---\nkind: Nothing\n`, 'b.yaml': host('two') })
    expect(names(first)).toEqual(['two'])
  })

  it.each([
    ['', 'EmptyFile'],
    ['\n', 'EmptyFile'],
    ['# nothing\n', 'EmptyFile'],
    [Buffer.from([0xff, 0xfe]), 'NotText'],
  ])('keeps them when it holds %j', (content, reason) => {
    const { ledger } = opened({ 'a.yaml': host('one') })
    const verdict = ledger.consider(look({ 'a.yaml': content }), true)
    expect(names(verdict)).toEqual(['one'])
    expect(reasons(verdict)).toEqual([reason])
  })

  it('is taken up again when it is mended', () => {
    const { ledger } = opened({ 'a.yaml': host('one') })
    ledger.consider(look({ 'a.yaml': 'kind: [' }), true)
    const mended = ledger.consider(look({ 'a.yaml': host('one', 'other') }), false)
    expect(mended.objects.get('Host/default/one')?.resource.spec).toMatchObject({ project: 'other' })
    expect(mended.problems).toEqual([])
  })
})

describe('what is missing', () => {
  it('stays until the tree is settled, then it is removed', () => {
    const { ledger } = opened({ 'a.yaml': host('one'), 'b.yaml': host('two') })
    const early = ledger.consider(look({ 'a.yaml': host('one') }), false)
    expect([names(early), early.pending]).toEqual([['one', 'two'], true])
    const late = ledger.consider(look({ 'a.yaml': host('one') }), true)
    expect([names(late), late.pending, late.complete]).toEqual([['one'], false, true])
  })

  it('stays while the tree cannot be read', () => {
    const { ledger } = opened({ 'a.yaml': host('one') })
    const verdict = ledger.consider(look({}, false), true)
    expect([names(verdict), verdict.complete]).toEqual([['one'], false])
  })

  it('stays when the folder has become empty', () => {
    const { ledger } = opened({ 'a.yaml': host('one') })
    const verdict = ledger.consider(look({}), true)
    expect([names(verdict), verdict.complete, reasons(verdict)]).toEqual([['one'], false, ['FolderEmpty']])
  })

  it('stays while its file cannot be read', () => {
    const { ledger } = opened({ 'a.yaml': host('one'), 'b.yaml': host('two') })
    const verdict = ledger.consider(look({ 'a.yaml': host('one'), 'b.yaml': { problem: 'Unreadable' } }), true)
    expect([names(verdict), verdict.complete]).toEqual([['one', 'two'], false])
  })

  it('stays while a bad file may declare it, and goes when that is mended', () => {
    const { ledger } = opened({ 'a.yaml': host('one'), 'b.yaml': host('two') })
    const moved = host('two').replace('docker', 'dockre')
    const held = ledger.consider(look({ 'a.yaml': host('one'), 'c.yaml': moved }), true)
    expect(names(held)).toEqual(['one', 'two'])
    expect(reasons(held)).toEqual(['RemovalHeld', 'UnknownValue'])
    const freed = ledger.consider(look({ 'a.yaml': host('one'), 'c.yaml': host('three') }), true)
    expect([names(freed), freed.problems]).toEqual([['one', 'three'], []])
  })

  it('stays while it cannot be told what a bad file declares', () => {
    const { ledger } = opened({ 'a.yaml': host('one'), 'b.yaml': host('two') })
    expect(names(ledger.consider(look({ 'a.yaml': host('one'), 'c.yaml': `${host('two')}}` }), true))).toEqual(['one', 'two'])
  })

  it('goes although a bad file declares something else', () => {
    const { ledger } = opened({ 'a.yaml': host('one'), 'b.yaml': host('two'), 'c.yaml': host('three') })
    const bad = host('three').replace('docker', 'dockre')
    expect(names(ledger.consider(look({ 'a.yaml': host('one'), 'c.yaml': bad }), true))).toEqual(['one', 'three'])
  })

  it('may be the middle of a file once the tree is settled', () => {
    const { ledger } = opened({ 'a.yaml': hosts('one', 'two', 'three') })
    const rest = look({ 'a.yaml': hosts('one', 'three') })
    expect(names(ledger.consider(rest, false))).toEqual(['one', 'three', 'two'])
    expect(names(ledger.consider(rest, true))).toEqual(['one', 'three'])
  })

  it('may be the end of a file that says that it ends', () => {
    const { ledger } = opened({ 'a.yaml': hosts('one', 'two') })
    const cut = ledger.consider(look({ 'a.yaml': host('one') }), true)
    expect([names(cut), reasons(cut)]).toEqual([['one', 'two'], ['TruncatedFile']])
    const meant = ledger.consider(look({ 'a.yaml': `${host('one')}...\n` }), true)
    expect([names(meant), meant.problems]).toEqual([['one'], []])
  })

  it('is unknown where an earlier controller read more of a file than this one can', () => {
    const lastGood = memoryLastGood()
    lastGood.save('a.yaml', { text: 'kind: Retired\n', keys: ['Host/default/one'] })
    const verdict = openLedger(root, lastGood).consider(look({ 'a.yaml': 'kind: Retired\n', 'b.yaml': host('two') }), true)
    expect([names(verdict), verdict.complete]).toEqual([['two'], false])
  })
})

describe('two files with one object', () => {
  const both = { 'a.yaml': host('one', 'late'), 'b.yaml': host('one', 'early') }
  const projectOf = ({ objects }: Verdict) => objects.get('Host/default/one')?.resource.spec

  it('leave it to the first file where both are new', () => {
    const { first } = opened(both)
    expect(projectOf(first)).toMatchObject({ project: 'late' })
    expect(first.problems).toMatchObject([{ file: '/declared/b.yaml', line: 3, reason: 'DuplicateName' }])
    expect(first.problems[0]?.message).toContain('/declared/a.yaml:1')
  })

  it('leave it to the one that had it before, also after a restart', () => {
    const { ledger, lastGood } = opened({ 'b.yaml': host('one', 'early') })
    const second = ledger.consider(look(both), true)
    const restarted = openLedger(root, lastGood).consider(look(both), true)
    for (const verdict of [second, restarted]) {
      expect(projectOf(verdict)).toMatchObject({ project: 'early' })
      expect(verdict.problems).toMatchObject([{ file: '/declared/a.yaml', reason: 'DuplicateName' }])
    }
  })

  it('leave it to the other once the first has gone', () => {
    const { ledger } = opened(both)
    const verdict = ledger.consider(look({ 'b.yaml': host('one', 'early') }), true)
    expect([projectOf(verdict), verdict.problems]).toMatchObject([{ project: 'early' }, []])
  })

  it('are no problem while an object moves from one to the other', () => {
    const { ledger } = opened({ 'a.yaml': hosts('one', 'two'), 'b.yaml': host('three') })
    const moved = look({ 'a.yaml': `${host('one')}# moved\n`, 'b.yaml': hosts('three', 'two') })
    const during = ledger.consider(moved, false)
    const after = ledger.consider(moved, true)
    expect([names(during), during.problems]).toEqual([['one', 'three', 'two'], []])
    expect([names(after), after.problems]).toEqual([['one', 'three', 'two'], []])
    expect(after.objects.get('Host/default/two')?.origin.file).toBe('/declared/b.yaml')
  })
})

describe('a converged ledger', () => {
  it('gives the same objects, and writes nothing, however often it looks', () => {
    const files = { 'a.yaml': hosts('one', 'two'), 'b.yaml': host('three') }
    const kept = memoryLastGood()
    let writes = 0
    const lastGood: LastGood = {
      load: kept.load,
      save(file, content) {
        writes++
        kept.save(file, content)
      },
    }
    const { ledger, first } = opened(files, lastGood)
    const again = ledger.consider(look(files), true)
    expect([...again.objects.values()].every((declared, index) => declared === [...first.objects.values()][index])).toBe(true)
    openLedger(root, lastGood).consider(look(files), true)
    expect(writes).toBe(2)
  })
})

/** Cut anywhere in its last line, it is still right, and says something else. */
function blockOf(name: string): string {
  return `${head}metadata:\n  name: ${name}\nspec:\n  engine:\n    type: docker\n  project: p-${name}\n`
}

describe('any prefix of a valid file', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}[a-z0-9]$/).filter(text => !['true', 'false', 'null'].includes(text))
  const decoration = fc.constantFrom('', '# 注释\n', '---\n', '\n\n', '# comment\n---\n')
  const file = fc
    .tuple(fc.uniqueArray(name, { minLength: 1, maxLength: 4 }), decoration, decoration)
    .map(([all, before, after]) => Buffer.from(`${before}${all.map(blockOf).join('---\n')}${after}`))

  /** Every prefix, because those that end between two documents are few and are the ones that matter. */
  function prefixesOf(bytes: Buffer): Buffer[] {
    return Array.from({ length: bytes.length }, (_, length) => bytes.subarray(0, length))
  }

  it('never removes an object of it', () => {
    fc.assert(
      fc.property(file, bytes => {
        const lastGood = memoryLastGood()
        const before = openLedger(root, lastGood).consider(look({ 'a.yaml': bytes }), true)
        const ledger = openLedger(root, lastGood)
        const gone = prefixesOf(bytes).filter(prefix => {
          const after = ledger.consider(look({ 'a.yaml': prefix }), true)
          ledger.consider(look({ 'a.yaml': bytes }), true)
          return [...before.objects.keys()].some(key => !after.objects.has(key))
        })
        expect(before.objects.size).toBeGreaterThan(0)
        expect(gone.map(String)).toEqual([])
      }),
      { numRuns: 6 },
    )
  })

  it('changes no object before the tree is settled', () => {
    fc.assert(
      fc.property(file, bytes => {
        const ledger = openLedger(root, memoryLastGood())
        const before = digest(ledger.consider(look({ 'a.yaml': bytes }), true))
        const changed = prefixesOf(bytes).filter(prefix => digest(ledger.consider(look({ 'a.yaml': prefix }), false)) !== before)
        expect(changed.map(String)).toEqual([])
      }),
      { numRuns: 6 },
    )
  })
})

describe('any history without a removal', () => {
  const files = ['a.yaml', 'b.yaml', 'sub/c.yaml']
  const act = fc.record({
    file: fc.constantFrom(...files),
    how: fc.constantFrom('good', 'cut', 'garbage', 'empty', 'unreadable', 'folder gone', 'all gone', 'restart'),
    at: fc.nat({ max: 400 }),
    settled: fc.boolean(),
  })

  it('keeps every object that was ever declared', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 30 }), acts => {
        const texts = Object.fromEntries(
          files.map(file => [file, hosts(`${file.replace(/\W/g, '-')}-1`, file.replace(/\W/g, '-'))]),
        )
        const now: Parameters<typeof look>[0] = { ...texts }
        const lastGood = memoryLastGood()
        let ledger = openLedger(root, lastGood)
        const all = names(ledger.consider(look(now), true))
        for (const { file, how, at, settled } of acts) {
          const text = texts[file] ?? ''
          if (how === 'good') now[file] = `${text}# ${at}\n`
          if (how === 'cut') now[file] = Buffer.from(text).subarray(0, at)
          if (how === 'garbage') now[file] = text.replace('kind: Host', 'kind: [')
          if (how === 'empty') now[file] = ''
          if (how === 'unreadable') now[file] = { problem: 'Unreadable' }
          if (how === 'restart') ledger = openLedger(root, lastGood)
          const isGone = how === 'folder gone' || how === 'all gone'
          expect(names(ledger.consider(isGone ? look({}, how === 'all gone') : look(now), settled))).toEqual(all)
        }
        const mended = ledger.consider(look(texts), true)
        expect([names(mended), mended.problems, mended.complete]).toEqual([all, [], true])
      }),
      { numRuns: 300 },
    )
  })
})

function digest({ objects }: Verdict): string {
  const text = JSON.stringify([...objects].map(([key, { resource }]) => [key, resource]))
  return createHash('sha256').update(text).digest('hex')
}
