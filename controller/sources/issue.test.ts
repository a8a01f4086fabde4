import { expect, it } from 'vitest'
import * as z from 'zod'
import { duration } from '../../crds/duration.ts'
import { complaintsOf } from './issue.ts'

const schema = z.object({ deadline: duration('120s'), name: z.string().optional() })

it.each([
  [{ deadline: 20 }, 'write a duration as a whole number and ms, s, m or h, such as 120s'],
  [{ deadline: true }, 'write a duration as a whole number and ms, s, m or h, such as 120s'],
  [{ name: 20 }, 'put it in quotes: "20"'],
])('names for %j a remedy that is one', (value, hint) => {
  expect(complaintsOf(schema, value, ['spec'])).toMatchObject([{ reason: 'WrongType', hint }])
})
