import fc from 'fast-check'
import { expect, it } from 'vitest'
import { matches } from './glob.ts'

it.each([
  ['AP010', 'AP010', true],
  ['AP010', 'AP0101', false],
  ['AP*', 'AP010', true],
  ['*', '', true],
  ['', '', true],
  ['', 'a', false],
  ['CZCE.*', 'CZCE.AP010', true],
  ['*C-????', 'IO2008-C-5400', true],
  ['*C-????', 'IO2008-C-54000', false],
  ['SPD *&*', 'SPD TA009&TA108', true],
  ['a.c', 'abc', false],
  ['[a]*', 'a', false],
  ['*a*b', 'aabab', true],
  ['ap*', 'AP010', false],
])('decides whether %s is %s', (glob, text, expected) => {
  expect(matches(glob, text)).toBe(expected)
})

it('decides as a regular expression does', () => {
  const letters = fc.array(fc.constantFrom('a', 'b', '*', '?'), { maxLength: 8 }).map(list => list.join(''))
  const words = fc.array(fc.constantFrom('a', 'b'), { maxLength: 10 }).map(list => list.join(''))
  fc.assert(
    fc.property(letters, words, (glob, text) => {
      const pattern = new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`)
      expect(matches(glob, text)).toBe(pattern.test(text))
    }),
  )
})
