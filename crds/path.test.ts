import { describe, expect, it } from 'vitest'
import { absolutePath, relativePath } from './path.ts'

const isRelative = (path: string) => relativePath('data').safeParse(path).success
const isAbsolute = (path: string) => absolutePath.safeParse(path).success

describe('a relative path', () => {
  it.each(['a', 'a/b', 'a//b', 'a/', '.', './a', '.a', '..a', 'a..b', '...', 'a/...', '金/属'])('may be %j', path => {
    expect(isRelative(path)).toBe(true)
  })

  it.each(['', '/', '/a', '..', '../a', 'a/..', 'a/../b', './..', '\0', 'a\0'])('may not be %j', path => {
    expect(isRelative(path)).toBe(false)
  })
})

describe('an absolute path', () => {
  it.each(['/', '/a', '/a/', '//a', '/a/./b', '/...', '/a..'])('may be %j', path => {
    expect(isAbsolute(path)).toBe(true)
  })

  it.each(['', 'a', '/..', '/../a', '/a/..', '/a/../b', '/a:b', '/a\0'])('may not be %j', path => {
    expect(isAbsolute(path)).toBe(false)
  })
})

it('is judged in time that grows with its length only', () => {
  const path = `${'a.'.repeat(50_000)}/..`
  expect(isRelative(path)).toBe(false)
})
