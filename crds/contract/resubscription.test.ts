import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseResubscription, renderResubscription } from './resubscription.ts'
import { retryRequestSchema, retryStates } from './subscriptions.ts'

it('asks for everything that is refused, unknown or silent where only a token is given', () => {
  expect(parseResubscription('2026-11-23T10:30:00.000Z')).toEqual({ request: retryRequestSchema.parse({}) })
})

it('reads the selection and the pace', () => {
  const text = 'again-2?instrument=CZCE.*,SPD+*%26*&exclude=*C*&state=silent&batch=100&requestsPerSecond=0.5&retries=0'
  expect(parseResubscription(text)).toEqual({
    request: retryRequestSchema.parse({
      include: ['CZCE.*', 'SPD *&*'],
      exclude: ['*C*'],
      states: ['silent'],
      batch: 100,
      requestsPerSecond: 0.5,
      retries: 0,
    }),
  })
})

it.each([
  ['t?batch=0', /^batch: /],
  ['t?batch=many', /^batch: /],
  ['t?state=ticking', /^states\.0: /],
  ['t?account=third', /^account: /],
  ['t?symbols=AP010', /^there is no symbols: use instrument, exclude, state/],
])('says what is wrong with %s', (text, problem) => {
  expect(parseResubscription(text)).toEqual({ problem: expect.stringMatching(problem) })
})

it('reads back what it writes', () => {
  // A list is joined by commas, which no instrument has.
  const names = fc.array(fc.stringMatching(/^[A-Za-z0-9 &*?.=+%-]{1,30}$/), { maxLength: 5 })
  const request = fc.record({
    include: names,
    exclude: names,
    account: fc.constantFrom('primary', 'backup'),
    silentAfterSeconds: fc.integer({ min: 1, max: 86_400 }),
    states: fc.uniqueArray(fc.constantFrom(...retryStates), { minLength: 1 }),
    batch: fc.integer({ min: 1, max: 2000 }),
    requestsPerSecond: fc.integer({ min: 1, max: 1000 }),
    retries: fc.integer({ min: 0, max: 10 }),
  })
  fc.assert(
    fc.property(request, wanted => {
      expect(parseResubscription(renderResubscription('token', wanted))).toEqual({ request: wanted })
    }),
  )
})
