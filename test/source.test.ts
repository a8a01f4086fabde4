import { closeSync, mkdirSync, openSync, renameSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { directorySource } from '../controller/sources/directory.ts'
import { type LastGood, memoryLastGood } from '../controller/sources/lastgood.ts'
import type { Snapshot } from '../controller/sources/source.ts'
import { temporaryDirectory } from './services/directory.ts'

/** Shorter than in production, and longer than any pause between two writes of a test. */
const settleMs = 300
const deadlineMs = 10_000
/** A writer that lets the source see what it has written so far. */
const slowWriterMs = 15

let folder: Awaited<ReturnType<typeof temporaryDirectory>>
let root: string
const followers: Follower[] = []

beforeEach(async () => {
  folder = await temporaryDirectory('source')
  root = join(folder.path, 'declared')
  mkdirSync(root)
})

afterEach(async () => {
  await Promise.all(followers.splice(0).map(follower => follower.stop()))
  await folder.remove()
})

type Follower = {
  snapshots: Snapshot[]
  /** The first snapshot, past or future, since the last one that was asked for. */
  until(holds: (snapshot: Snapshot) => boolean): Promise<Snapshot>
  stop(): Promise<void>
}

function follow(lastGood: LastGood = memoryLastGood(), resyncMs = 60_000, onSaveError?: (error: Error) => void): Follower {
  const stopping = new AbortController()
  const snapshots: Snapshot[] = []
  let seen = 0
  let wake = Promise.withResolvers<void>()
  const source = directorySource({ path: root, lastGood, settleMs, retryMs: 100, resyncMs, ...(onSaveError && { onSaveError }) })
  const running = source.run(snapshot => {
    snapshots.push(snapshot)
    wake.resolve()
    wake = Promise.withResolvers()
  }, stopping.signal)
  const follower: Follower = {
    snapshots,
    async until(holds) {
      const deadline = AbortSignal.timeout(deadlineMs)
      for (;;) {
        const found = snapshots.findIndex((snapshot, index) => index >= seen && holds(snapshot))
        const snapshot = snapshots[found]
        if (snapshot !== undefined) {
          seen = found + 1
          return snapshot
        }
        await Promise.race([wake.promise, rejection(deadline, () => describeLast(snapshots))])
      }
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
  followers.push(follower)
  return follower
}

function rejection(signal: AbortSignal, words: () => string): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error(words())), { once: true }))
}

function describeLast(snapshots: Snapshot[]): string {
  const last = snapshots.at(-1)
  return `no such snapshot; the last one has ${last && names(last)} ${last?.complete} ${JSON.stringify(last?.problems)}`
}

function host(name: string, project = 'feedplane'): string {
  const head = 'apiVersion: feedplane.dev/v1alpha1\nkind: Host\n'
  return `${head}metadata: {name: ${name}}\nspec: {engine: {type: docker}, project: ${project}}\n`
}

function write(file: string, text: string): void {
  writeFileSync(join(root, file), text)
}

function names(snapshot: Snapshot): string[] {
  return [...snapshot.objects.values()].map(({ resource }) => resource.metadata.name).sort()
}

function projectOf(snapshot: Snapshot, name = 'one'): string | undefined {
  const resource = snapshot.objects.get(`Host/default/${name}`)?.resource
  return resource?.kind === 'Host' ? resource.spec.project : undefined
}

const has =
  (...wanted: string[]) =>
  (snapshot: Snapshot) =>
    String(names(snapshot)) === String(wanted)
const isProject = (project: string, name?: string) => (snapshot: Snapshot) => projectOf(snapshot, name) === project
const hasProblem = (reason: string) => (snapshot: Snapshot) => snapshot.problems.some(problem => problem.reason === reason)

describe('a directory source', () => {
  it('takes up new, edited and removed files in folders below folders', async () => {
    mkdirSync(join(root, 'feeds', 'night'), { recursive: true })
    write('feeds/night/one.yaml', host('one'))
    const source = follow()
    await source.until(has('one'))
    write('feeds/night/one.yaml', host('one', 'edited'))
    await source.until(isProject('edited'))
    mkdirSync(join(root, 'hosts'))
    write('hosts/two.yml', host('two'))
    await source.until(has('one', 'two'))
    rmSync(join(root, 'feeds', 'night', 'one.yaml'))
    expect((await source.until(has('two'))).complete).toBe(true)
  })

  it('reads nothing whose name begins with a dot, and nothing that is no YAML', async () => {
    mkdirSync(join(root, '.git'))
    write('.git/one.yaml', host('one'))
    write('.two.yaml.swp', host('two'))
    write('.three.yaml', host('three'))
    write('notes.txt', 'kind: [')
    write('four.yaml', host('four'))
    const snapshot = await follow().until(() => true)
    expect([names(snapshot), snapshot.problems]).toEqual([['four'], []])
  })

  it('sees every one of many edits of one file, the last one last', async () => {
    write('one.yaml', host('one'))
    const source = follow()
    for (let edit = 1; edit <= 20; edit++) {
      write('one.yaml', host('one', `edit-${edit}`))
      await source.until(isProject(`edit-${edit}`))
    }
    expect(source.snapshots.map(({ sequence }) => sequence)).toEqual(source.snapshots.map((_, index) => index + 1))
  })

  it('sees an edit that keeps size and time as they were', async () => {
    write('one.yaml', host('one', 'aaa'))
    const source = follow()
    await source.until(isProject('aaa'))
    write('one.yaml', host('one', 'bbb'))
    write('one.yaml', host('one', 'ccc'))
    await source.until(isProject('ccc'))
  })

  it('takes up a file that is replaced by a rename', async () => {
    write('one.yaml', host('one'))
    const source = follow()
    await source.until(has('one'))
    for (const project of ['first', 'second', 'third']) {
      write('.one.yaml.tmp', host('one', project))
      renameSync(join(root, '.one.yaml.tmp'), join(root, 'one.yaml'))
      await source.until(isProject(project))
    }
    expect(source.snapshots.every(has('one'))).toBe(true)
  })

  it('lets an object move when its file is renamed', async () => {
    write('one.yaml', host('one'))
    const source = follow()
    await source.until(has('one'))
    renameSync(join(root, 'one.yaml'), join(root, 'renamed.yaml'))
    await source.until(({ objects }) => objects.get('Host/default/one')?.origin.file === join(root, 'renamed.yaml'))
    expect(source.snapshots.every(has('one'))).toBe(true)
    expect(source.snapshots.flatMap(({ problems }) => problems)).toEqual([])
  })

  it('keeps what a file declared while it is written piece by piece', async () => {
    const text = ['one', 'two', 'three'].map(name => host(name)).join('---\n')
    write('all.yaml', text)
    const source = follow()
    await source.until(has('one', 'three', 'two'))
    const edited = text.replaceAll('feedplane}', 'edited}')
    const file = openSync(join(root, 'all.yaml'), 'w')
    await source.until(hasProblem('EmptyFile'))
    for (let at = 0; at < edited.length; at += 40) {
      writeSync(file, edited.slice(at, at + 40))
      await sleep(slowWriterMs)
    }
    closeSync(file)
    const settled = await source.until(snapshot => ['one', 'two', 'three'].every(name => isProject('edited', name)(snapshot)))
    expect(settled.problems).toEqual([])
    expect(source.snapshots.every(has('one', 'three', 'two'))).toBe(true)
  })

  it('keeps the last good objects of a bad file across a restart', async () => {
    const lastGood = memoryLastGood()
    write('one.yaml', host('one', 'good'))
    const first = follow(lastGood)
    await first.until(has('one'))
    write('one.yaml', 'kind: [\n')
    await first.until(hasProblem('SyntaxError'))
    await first.stop()
    const restarted = await follow(lastGood).until(() => true)
    expect([projectOf(restarted), restarted.complete]).toEqual(['good', true])
    expect(restarted.problems).toMatchObject([{ file: join(root, 'one.yaml'), line: 1, column: 8, reason: 'SyntaxError' }])
  })

  it('follows swaps of ..data, as a kubelet makes them', async () => {
    const swap = (version: number) => {
      mkdirSync(join(root, `..v${version}`))
      write(`..v${version}/one.yaml`, host('one', `v${version}`))
      symlinkSync(`..v${version}`, join(root, '..data_tmp'))
      renameSync(join(root, '..data_tmp'), join(root, '..data'))
      if (version === 1) symlinkSync(join('..data', 'one.yaml'), join(root, 'one.yaml'))
      else rmSync(join(root, `..v${version - 1}`), { recursive: true })
    }
    swap(1)
    const source = follow()
    await source.until(isProject('v1'))
    for (const version of [2, 3, 4]) {
      swap(version)
      await source.until(isProject(`v${version}`))
    }
    expect(source.snapshots.every(has('one'))).toBe(true)
  })

  it('removes nothing while the folder is gone, and goes on when it is back', async () => {
    write('one.yaml', host('one'))
    write('two.yaml', host('two'))
    const source = follow()
    await source.until(has('one', 'two'))
    rmSync(root, { recursive: true })
    const gone = await source.until(({ complete }) => !complete)
    expect([names(gone), gone.problems[0]?.reason]).toEqual([['one', 'two'], expect.stringMatching(/^Folder/)])
    mkdirSync(root)
    write('one.yaml', host('one', 'back'))
    write('two.yaml', host('two', 'back'))
    await source.until(snapshot => isProject('back')(snapshot) && isProject('back', 'two')(snapshot) && snapshot.complete)
    write('one.yaml', host('one', 'watched'))
    await source.until(isProject('watched'))
    expect(source.snapshots.every(has('one', 'two'))).toBe(true)
  })

  it('waits for a folder that is not there yet', async () => {
    rmSync(root, { recursive: true })
    const source = follow()
    const first = await source.until(() => true)
    expect([first.objects.size, first.complete]).toEqual([0, false])
    expect(first.problems).toMatchObject([{ file: root, line: 1, column: 1, reason: 'FolderUnreadable' }])
    mkdirSync(root)
    write('one.yaml', host('one'))
    await source.until(snapshot => has('one')(snapshot) && snapshot.complete)
  })

  it('keeps what a file declared that cannot be read any more', async () => {
    write('one.yaml', host('one'))
    write('two.yaml', host('two'))
    const source = follow()
    await source.until(has('one', 'two'))
    symlinkSync('one.yaml', join(root, 'circle'))
    renameSync(join(root, 'circle'), join(root, 'one.yaml'))
    const snapshot = await source.until(hasProblem('Unreadable'))
    expect([names(snapshot), snapshot.complete]).toEqual([['one', 'two'], false])
  })

  it.each([
    ['file', 'one.yaml', 'Unreadable'],
    ['folder', 'linked', 'FolderUnreadable'],
  ])('keeps what stands behind a link to a %s that is lost', async (_, link, reason) => {
    const target = join(folder.path, link)
    if (link === 'linked') mkdirSync(target)
    writeFileSync(link === 'linked' ? join(target, 'one.yaml') : target, host('one'))
    symlinkSync(target, join(root, link))
    write('two.yaml', host('two'))
    const source = follow(memoryLastGood(), 50)
    await source.until(has('one', 'two'))
    renameSync(target, join(folder.path, 'away'))
    const lost = await source.until(({ complete }) => !complete)
    expect(names(lost)).toEqual(['one', 'two'])
    expect(lost.problems).toMatchObject([{ file: join(root, link), line: 1, column: 1, reason }])
    renameSync(join(folder.path, 'away'), target)
    await source.until(({ complete }) => complete)
    expect(source.snapshots.every(has('one', 'two'))).toBe(true)
  })

  it('carries 200 files, reads the one that was edited, and keeps the objects of the others', async () => {
    for (let index = 0; index < 200; index++) write(`f${index}.yaml`, host(`h${index}`))
    const source = follow()
    const before = await source.until(({ objects }) => objects.size === 200)
    write('f100.yaml', host('h100', 'edited'))
    const after = await source.until(isProject('edited', 'h100'))
    const changed = [...after.objects].filter(([key, declared]) => before.objects.get(key) !== declared)
    expect(changed.map(([key]) => key)).toEqual(['Host/default/h100'])
    expect(after.problems).toEqual([])
  })

  it('finds by its resync what no event told', async () => {
    const other = join(folder.path, 'elsewhere')
    mkdirSync(other)
    writeFileSync(join(other, 'one.yaml'), host('one'))
    symlinkSync(other, join(root, 'linked'))
    const source = follow(memoryLastGood(), 50)
    await source.until(has('one'))
    writeFileSync(join(other, 'one.yaml'), host('one', 'resynced'))
    await source.until(isProject('resynced'))
  })

  it('goes on while what is declared cannot be kept, and takes it up once it can', async () => {
    write('one.yaml', host('one'))
    const kept = memoryLastGood()
    let isFull = false
    const save: LastGood['save'] = (file, content) => {
      if (isFull) throw new Error('database or disk is full')
      kept.save(file, content)
    }
    const errors: string[] = []
    const source = follow({ ...kept, save }, 60_000, ({ message }) => errors.push(message))
    await source.until(has('one'))
    isFull = true
    write('one.yaml', host('one', 'edited'))
    await expect.poll(() => errors.length).toBeGreaterThan(1)
    expect([errors[0], source.snapshots.length]).toEqual(['database or disk is full', 1])
    isFull = false
    await source.until(isProject('edited'))
  })

  it('says nothing while nothing changes', async () => {
    write('one.yaml', host('one'))
    const source = follow(memoryLastGood(), 5)
    await source.until(has('one'))
    write('one.yaml', host('one'))
    write('notes.txt', 'x')
    write('two.yaml', host('two'))
    await source.until(has('one', 'two'))
    expect(source.snapshots).toHaveLength(2)
  })
})
