import { afterEach, expect, it } from 'vitest'
import { assertZone, feedZone } from './zone.ts'

const before = process.env.TZ

afterEach(() => {
  if (before === undefined) delete process.env.TZ
  else process.env.TZ = before
})

it("is the exchanges'", () => {
  process.env.TZ = feedZone
  expect(() => assertZone()).not.toThrow()
})

it.each(['UTC', 'America/Chicago', 'Asia/Tokyo', 'No/Such'])('is refused where it is %s', zone => {
  process.env.TZ = zone
  expect(() => assertZone()).toThrow(/not Asia\/Shanghai/)
})
