import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { draftEdit, findManifests, manifestFiles, writeDraft } from './manifest.ts'

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
})

describe('finding a declaration', () => {
  it('looks through folders, passes over hidden files and over files that do not parse', async () => {
    await mkdir(join(directory, 'deep'))
    await writeFile(join(directory, 'deep', 'b.yml'), manifest.replace('production', 'staging'))
    await writeFile(join(directory, '.hidden.yaml'), manifest)
    await writeFile(join(directory, 'broken.yaml'), 'a: [\n')
    expect(await manifestFiles(directory)).toEqual([
      join(directory, 'a.yaml'),
      join(directory, 'broken.yaml'),
      join(directory, 'deep', 'b.yml'),
    ])
    expect(await findManifests(directory, { kind: 'Feed', name: 'ctp', namespace: 'production' })).toEqual([{ file, identity }])
    expect(await findManifests(directory, { kind: 'Feed', name: 'ctp', namespace: undefined })).toHaveLength(2)
  })

  it('says which flag to use where the folder is not there', async () => {
    await expect(
      findManifests(join(directory, 'nope'), { kind: 'Feed', name: 'ctp', namespace: undefined }),
    ).rejects.toMatchObject({
      code: 2,
      hint: expect.stringContaining('--manifests'),
    })
  })
})
