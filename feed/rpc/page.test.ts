import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parseResubscription } from '../../crds/contract/resubscription.ts'
import { defaultSilentAfterSeconds, subscriptionStates } from '../../crds/contract/subscriptions.ts'
import { acknowledgementMs, instrumentNotFound, maxAttempts } from '../session/subscriptions.ts'
import { maxSymbols } from './answers.ts'
import { burst, maxRequestBytes, maxUnderWay, requestsPerSecond } from './responder.ts'
import { methods, ownSubjectOf } from './subjects.ts'

// Holds docs/concepts/subscriptions.md to the code.
const page = readFileSync(join(import.meta.dirname, '../../docs/concepts/subscriptions.md'), 'utf8')

it('names every state and every request of the older service', () => {
  for (const state of subscriptionStates) expect(page).toContain(`| \`${state}\` |`)
  for (const method of methods) expect(page).toContain(`| \`${method}\` |`)
  expect(page).toContain(ownSubjectOf('market.tick', 'production/ctp', 'md.contracts.list'))
})

it('names the bounds as they are', () => {
  const group = (count: number) => count.toLocaleString('en-US')
  expect(page).toContain(`${group(maxRequestBytes)} bytes and ${group(maxSymbols)} symbols a request`)
  expect(page).toContain(`${requestsPerSecond} requests a second with a burst of ${burst}, ${maxUnderWay} under way`)
  expect(page).toContain(`${defaultSilentAfterSeconds} s (\`silentAfterSeconds\`)`)
  expect(page).toContain(`does not come in ${acknowledgementMs / 1000} s`)
  expect({ instrumentNotFound, maxAttempts }).toEqual({ instrumentNotFound: 16, maxAttempts: 5 })
})

it('has an annotation that is read as it says', () => {
  const [, text = ''] = /`(\S+\?state=silent\S+)`\. Patterns/.exec(page) ?? []
  expect(parseResubscription(text)).toMatchObject({ request: { states: ['silent'], include: ['CZCE.*'], batch: 100 } })
})
