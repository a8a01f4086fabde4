import { describe, expect, it } from 'vitest'
import { type Problem, pathText, withoutSecrets } from './problem.ts'
import { formatProblem } from './validation.ts'

const problem: Problem = {
  ...{ file: 'feeds.yaml', line: 12, column: 5, path: 'spec.suspend', document: 1 },
  ...({ severity: 'error', category: 'schema' } as const),
  ...{ reason: 'WrongType', message: 'suspend is wrong', hint: 'mend it' },
}

describe('a path', () => {
  it('is written as one would write it in code', () => {
    expect(pathText(['spec', 'subscriptions', 0])).toBe('spec.subscriptions[0]')
    expect(pathText(['metadata', 'labels', 'a.b/c'])).toBe('metadata.labels["a.b/c"]')
    expect(pathText(['items', 2, 'spec'])).toBe('items[2].spec')
  })
})

describe('a shown problem', () => {
  it('has the place first, the line with a caret, and the hint', () => {
    expect(formatProblem({ ...problem, excerpt: '    suspend: "no"' })).toBe(
      'feeds.yaml:12:5: spec.suspend: suspend is wrong\n    suspend: "no"\n    ^\n    mend it',
    )
  })

  it('cuts a long line around the place', () => {
    const shown = formatProblem({ ...problem, column: 1001, excerpt: `${'x'.repeat(1000)}HERE${'y'.repeat(1000)}` }).split('\n')
    expect(shown[1]?.length).toBeLessThan(130)
    expect(shown[1]?.slice(shown[2]?.indexOf('^'), (shown[2]?.indexOf('^') ?? 0) + 4)).toBe('HERE')
  })

  it('says that it is a warning', () => {
    expect(formatProblem({ ...problem, severity: 'warning' })).toContain('spec.suspend: warning: suspend is wrong')
  })
})

describe('a text without secrets', () => {
  it.each([
    ['servers: ["nats://feed:hunter2@bus:4222", "tls://tok@b"]', 'servers: ["nats://***@bus:4222", "tls://***@b"]'],
    ['CTP_PASSWORD: hunter2', 'CTP_PASSWORD: ***'],
    ['  env: {AUTH_CODE: 0000000, X: 1}', '  env: {AUTH_CODE: ***'],
    ['"api-key": "abc"', '"api-key": ***'],
    ['image: ghcr.io/acme/feed@sha256:abc', 'image: ghcr.io/acme/feed@sha256:abc'],
    ['primary: ctp-primary', 'primary: ctp-primary'],
  ])('%s', (text, shown) => {
    expect(withoutSecrets(text)).toBe(shown)
  })

  it('is one, too, where a line has a megabyte without an end of its words', () => {
    const long = 'x'.repeat(1_000_000)
    expect(withoutSecrets(long)).toBe(long)
    expect(withoutSecrets(`${'token'.repeat(200_000)}: hunter2`)).toMatch(/token: \*\*\*$/)
  })
})
