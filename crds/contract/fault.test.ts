import { expect, it } from 'vitest'
import { asFault, waiting } from './fault.ts'

it('takes whatever is thrown for trouble that may end, in its own words, and leaves a Fault as it is', () => {
  const fault = waiting('SecretMissing', 'there is none')
  const error = new TypeError('undefined is no function')
  expect(asFault(fault)).toBe(fault)
  expect(asFault(error)).toMatchObject({ class: 'transient', reason: 'UnexpectedError', message: error.message, cause: error })
  expect(asFault('so')).toMatchObject({ class: 'transient', reason: 'UnexpectedError', message: 'so' })
})
