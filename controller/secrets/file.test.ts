import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SecretFiles } from './file.ts'

let root: string
let files: SecretFiles
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'feedplane-secretfiles-'))
  files = new SecretFiles(root)
  write('a', 'first')
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(root, { recursive: true })
})

const write = (folder: string, value: string) => {
  mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(join(root, folder, 'PASSWORD'), value)
}
const read = (folder = 'a') => files.read(folder, ['PASSWORD']).PASSWORD

/** As if all files had been written long ago. */
const later = () => vi.useFakeTimers({ now: Date.now() + 3_600_000, toFake: ['Date'] })

describe.each([
  ['just written', () => undefined],
  ['written long ago', later],
])('a secret that was %s', (_age, pass) => {
  beforeEach(() => {
    pass()
    expect(read()).toBe('first')
    expect(read()).toBe('first')
  })

  it('is read anew where another of the same length and time is in its place', () => {
    const { atime, mtime } = statSync(join(root, 'a/PASSWORD'))
    write('a', 'other')
    utimesSync(join(root, 'a/PASSWORD'), atime, mtime)
    expect(read()).toBe('other')
  })

  it('is read anew where its folder is a link that leads elsewhere now', () => {
    write('b', 'other')
    rmSync(join(root, 'a'), { recursive: true })
    symlinkSync(join(root, 'b'), join(root, 'a'))
    expect(read()).toBe('other')
  })

  it('is refused once it leads out of the directory, and gone once it is removed', () => {
    rmSync(join(root, 'a/PASSWORD'))
    expect(read()).toBeUndefined()
    symlinkSync('/etc/hostname', join(root, 'a/PASSWORD'))
    expect(() => read()).toThrow(/leads out of the secrets directory/)
  })
})

it('a secret that cannot be opened is SecretUnreadable, with its path and why', () => {
  rmSync(join(root, 'a/PASSWORD'))
  symlinkSync('PASSWORD', join(root, 'a/PASSWORD'))
  expect(() => read()).toThrow(
    expect.objectContaining({
      ...{ class: 'waiting', reason: 'SecretUnreadable' },
      message: expect.stringContaining(`${join(root, 'a/PASSWORD')} cannot be read (ELOOP)`),
    }),
  )
})
