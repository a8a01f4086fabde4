import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { draftEdit, findManifests, readManifest, writeDraft } from './manifest.ts'

const manifest = 'kind: Feed\nmetadata: {name: ctp, namespace: production}\nspec: {suspend: false}\n'
const identity = { kind: 'Feed', namespace: 'production', name: 'ctp' }
const change = { path: ['spec', 'suspend'], value: true }

let directory: string
let file: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'feedplane-manifest-'))
  file = join(directory, 'a.yaml')
  await writeFile(file, manifest)
})

afterEach(() => rm(directory, { recursive: true, force: true }))

describe('writing an edit', () => {
  it('replaces the file and leaves nothing beside it', async () => {
    await writeDraft(await draftEdit({ file }, identity, change))
    expect(await readFile(file, 'utf8')).toBe(manifest.replace('false', 'true'))
    expect(await readdir(directory)).toEqual(['a.yaml'])
  })

  it('refuses where the file changed in between, and keeps the other change', async () => {
    const draft = await draftEdit({ file }, identity, change)
    await writeFile(file, `${manifest}# by hand\n`)
    await expect(writeDraft(draft)).rejects.toThrow('was changed by someone else at this moment; nothing was written')
    expect(await readFile(file, 'utf8')).toBe(`${manifest}# by hand\n`)
    expect(await readdir(directory)).toEqual(['a.yaml'])
  })

  it('refuses a file in another encoding, whose bytes it could not write back', async () => {
    const gbk = Buffer.concat([Buffer.from(manifest), Buffer.from('# \xd6\xf7\xd5\xcb\xbb\xa7\n', 'latin1')])
    await writeFile(file, gbk)
    const refusal = { code: 4, message: expect.stringContaining('a.yaml is not UTF-8 text') }
    await expect(readManifest({ file }, identity)).rejects.toMatchObject(refusal)
    await expect(draftEdit({ file }, identity, change)).rejects.toMatchObject(refusal)
    expect(await readFile(file)).toEqual(gbk)
  })

  it('keeps a byte order mark', async () => {
    await writeFile(file, `\ufeff${manifest}`)
    await writeDraft(await draftEdit({ file }, identity, change))
    expect(await readFile(file, 'utf8')).toBe(`\ufeff${manifest.replace('false', 'true')}`)
  })
})

describe('finding a declaration', () => {
  it('looks through folders, passes over hidden files and over files that do not parse', async () => {
    await mkdir(join(directory, 'deep'))
    await writeFile(join(directory, 'deep', 'b.yml'), manifest.replace('production', 'staging'))
    await writeFile(join(directory, '.hidden.yaml'), manifest)
    await writeFile(join(directory, 'broken.yaml'), 'a: [\n')
    expect(await find('production')).toEqual([{ file, identity }])
    expect(await find(undefined)).toHaveLength(2)
  })

  it('sees what a controller sees of the same folder: through links to folders, and YAML alone', async () => {
    const root = join(directory, 'root')
    await mkdir(join(directory, 'release-7'))
    await mkdir(root)
    await rename(file, join(directory, 'release-7', 'a.yaml'))
    await symlink('../release-7', join(root, 'current'))
    await writeFile(join(root, 'exported.json'), JSON.stringify({ kind: 'Feed', metadata: identity }))
    expect(await find('production', root)).toEqual([{ file: join(root, 'current', 'a.yaml'), identity }])
  })

  it('does not say that nothing declares it where it could not look everywhere', async () => {
    await symlink('gone', join(directory, 'folder'))
    await expect(find('nowhere')).rejects.toMatchObject({
      code: 2,
      message: expect.stringContaining('the folder cannot be read'),
    })
    expect(await find('production')).toHaveLength(1)
  })

  it('says which flag to use where the folder is not there', async () => {
    await expect(find(undefined, join(directory, 'nope'))).rejects.toMatchObject({
      code: 2,
      hint: expect.stringContaining('--manifests'),
    })
  })
})

function find(namespace: string | undefined, below = directory) {
  return findManifests(below, { kind: 'Feed', name: 'ctp', namespace }, new AbortController().signal)
}
