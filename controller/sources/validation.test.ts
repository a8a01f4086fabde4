import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { maxFileBytes } from './document.ts'
import { validatePaths } from './validation.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'validation-'))
})
afterEach(() => rm(directory, { recursive: true }))

const host = (name: string) =>
  `apiVersion: feedplane.dev/v1alpha1\nkind: Host\nmetadata: {name: ${name}}\nspec: {engine: {type: docker}}\n`

/** Problems as `FILE:LINE:COLUMN REASON`, and the names of the objects. */
async function validate(...paths: string[]) {
  const options = { dataDirectory: directory, env: {}, relativeTo: directory }
  const { problems, objects } = await validatePaths(
    paths.map(path => join(directory, path)),
    options,
  )
  const found = problems.map(({ file, line, column, reason }) => `${file}:${line}:${column} ${reason}`)
  return { found, names: [...objects.values()].map(({ resource }) => resource.metadata.name) }
}

const write = (path: string, content: string | Buffer) => writeFile(join(directory, path), content)
const link = (target: string, path: string) => symlink(target, join(directory, path))

describe('what cannot be read is a problem of its own', () => {
  const cases: [string, string, () => Promise<unknown>, string][] = [
    ['a path where nothing is', 'none.yaml', async () => undefined, 'none.yaml:1:1 NothingToRead'],
    ['a folder without YAML', 'all', () => write('all/notes.txt', host('one')), 'all:1:1 NothingToRead'],
    ['a file link that leads nowhere', 'all', () => link('lost.yaml', 'all/one.yaml'), 'all/one.yaml:1:1 Unreadable'],
    ['a folder link that leads nowhere', 'all', () => link('lost', 'all/feeds'), 'all/feeds:1:1 FolderUnreadable'],
    ['a folder link in a circle', 'all', () => link('circle', 'all/circle'), 'all/circle:1:1 FolderUnreadable'],
    [
      'a folder named as a file is',
      'all/one.yaml',
      () => mkdir(join(directory, 'all/one.yaml')),
      'all/one.yaml:1:1 NothingToRead',
    ],
    ['a text that is not UTF-8', 'all', () => write('all/one.yaml', Buffer.from([0xff, 0xfe])), 'all/one.yaml:1:1 NotText'],
    [
      'a file that is too large',
      'all',
      () => write('all/one.yaml', '#'.repeat(maxFileBytes + 1)),
      'all/one.yaml:1:1 FileTooLarge',
    ],
  ]
  it.each(cases)('%s', async (_, path, prepare, expected) => {
    await mkdir(join(directory, 'all'))
    await prepare()
    expect((await validate(path)).found).toEqual([expected])
  })

  it('and hides nothing of what stands beside it', async () => {
    await mkdir(join(directory, 'all'))
    await write('all/one.yaml', host('one'))
    await link('lost', 'all/feeds')
    expect(await validate('all')).toEqual({ found: ['all/feeds:1:1 FolderUnreadable'], names: ['one'] })
  })
})
