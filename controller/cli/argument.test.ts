import { expect, it } from 'vitest'
import { durationMsOf } from './argument.ts'

it('takes no time that a timer cannot count', () => {
  expect(durationMsOf('--timeout', '596h')).toBe(596 * 3_600_000)
  const refusal = expect.objectContaining({ code: 2, hint: '596h at most' })
  for (const text of ['597h', '2000h']) expect(() => durationMsOf('--timeout', text)).toThrow(refusal)
})
