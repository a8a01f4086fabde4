import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeToken, encodeToken, subjectOf } from './subject.ts'

// Well-formed text: a lone surrogate has no UTF-8.
const anyText = fc.string({ unit: 'grapheme', minLength: 1 })
const symbols = fc.stringMatching(/^[A-Za-z0-9 &=.*>_-]{1,30}$/)

it('reads every instrument back exactly', () => {
  fc.assert(
    fc.property(fc.oneof(anyText, symbols), text => {
      expect(decodeToken(encodeToken(text))).toBe(text)
    }),
  )
})

it('writes a single legal token, whatever the instrument holds', () => {
  fc.assert(
    fc.property(fc.oneof(anyText, symbols), text => {
      expect(encodeToken(text)).toMatch(/^[A-Za-z0-9_=-]+$/)
    }),
  )
})

it('gives different instruments different subjects', () => {
  fc.assert(
    fc.property(symbols, symbols, (a, b) => {
      expect(subjectOf('t', 'CZCE', a) === subjectOf('t', 'CZCE', b)).toBe(a === b)
    }),
  )
})

it.each([
  ['rb2605', 'market.tick.SHFE.rb2605'],
  ['i2010-C-1080', 'market.tick.SHFE.i2010-C-1080'],
  ['SPD TA009&TA108', 'market.tick.SHFE.SPD=20TA009=26TA108'],
  ['a.b*c>d=e', 'market.tick.SHFE.a=2Eb=2Ac=3Ed=3De'],
  ['螺纹', 'market.tick.SHFE.=E8=9E=BA=E7=BA=B9'],
])('writes %s as %s', (instrument, subject) => {
  expect(subjectOf('market.tick', 'SHFE', instrument)).toBe(subject)
})
