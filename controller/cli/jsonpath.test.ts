import { expect, it } from 'vitest'
import { kinds } from '../../crds/kinds.ts'
import { valueAt } from './jsonpath.ts'

const root = {
  spec: { image: 'x:1' },
  status: {
    conditions: [
      { type: 'Stalled', status: 'False' },
      { type: 'Ready', status: 'True', message: 'ok' },
    ],
  },
}

it.each([
  ['.spec.image', 'x:1'],
  [".status.conditions[?(@.type=='Ready')].message", 'ok'],
  [".status.conditions[?(@.type=='Nope')].message", undefined],
  ['.status.active', undefined],
  ['.spec.image.tag', undefined],
])('finds %s', (path, value) => {
  expect(valueAt(root, path)).toBe(value)
})

it('understands every column of every kind', () => {
  const paths = Object.values(kinds).flatMap(kind => kind.columns.map(column => column.path))
  for (const path of paths) expect(path).toMatch(/^(\.[A-Za-z]+|\[\?\(@\.type=='[A-Za-z]+'\)\])+$/)
})
