import { expect, it } from 'vitest'
import { placeOf } from './place.ts'

const base = { file: '/c/base.yml', text: 'services:\n  bus:\n    image: a:1\n    environment:\n      A: 1\n' }
const over = { file: '/c/over.yml', text: 'services:\n  bus:\n    imagee: b\n  web:\n    depends_on: [zz]\n' }

it.each([
  ['validating /c/over.yml: services.bus Additional property imagee is not allowed', '/c/over.yml:3:5'],
  ["validating /c/over.yml: services.bus additional properties 'imagee' not allowed", '/c/over.yml:3:5'],
  ['validating /c/base.yml: services.bus.image must be a string', '/c/base.yml:3:5'],
  ['validating /c/base.yml: (root) Additional property servicess is not allowed', '/c/base.yml:1:1'],
  ['error while interpolating services.bus.environment.A: required variable A is missing a value', '/c/base.yml:5:7'],
  ['service "web" depends on undefined service "zz": invalid compose project', '/c/over.yml:4:3'],
  ["error decoding 'services[bus].image': time: unknown unit", '/c/base.yml:3:5'],
  ['failed to read /c/stack.env: line 3: key cannot contain a space', '/c/stack.env:3:1'],
])('%s points at %s', (words, place) => {
  const found = placeOf(words, [base, over])
  expect(`${found?.file}:${found?.line}:${found?.column}`).toBe(place)
})

it('finds the file and the column of a mistake in the syntax, of which Compose names a line alone', () => {
  const broken = { file: '/c/broken.yml', text: 'services:\n  bus:\n    image: [x\n  web: y: z\n' }
  expect(placeOf("yaml: line 2: did not find expected ',' or ']'", [base, broken])?.file).toBe('/c/broken.yml')
  const twice = { file: '/c/twice.yml', text: 'services:\n  bus: {image: x, image: y}\n' }
  expect(placeOf('yaml: unmarshal errors: line 2: mapping key "image" already defined', [twice])).toMatchObject({ line: 2 })
})

it('says nothing where the words name nothing', () => {
  expect(placeOf('Invalid ip address: x', [base, over])).toBeUndefined()
})
