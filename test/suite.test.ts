import { describe, expect, it } from 'vitest'
import { leftOut, needsOf } from './suite.ts'

describe('needs of a suite', () => {
  it('are the names after the first line’s needs:', () => {
    expect(needsOf("// needs: docker, nats-server\nimport 'x'\n", 'test/a.test.ts')).toEqual(['docker', 'nats-server'])
  })

  it('are none where the first line says nothing', () => {
    expect(needsOf("import 'x'\n// needs: docker\n", 'test/a.test.ts')).toEqual([])
  })

  it('reject a name that no probe knows, naming the file', () => {
    expect(() => needsOf('// needs: dokcer\n', 'test/a.test.ts')).toThrow('test/a.test.ts:1: unknown service "dokcer"')
  })
})

describe('suites left out', () => {
  it('are those with a missing service, with each reason', () => {
    const suites = [
      { path: 'test/a.test.ts', needs: ['docker' as const, 'compose' as const] },
      { path: 'test/b.test.ts', needs: ['nats-server' as const] },
      { path: 'test/c.test.ts', needs: [] },
    ]
    const missing = new Map([
      ['docker' as const, 'no Docker engine answers'],
      ['compose' as const, undefined],
      ['nats-server' as const, undefined],
    ])
    expect(leftOut(suites, missing)).toEqual([{ path: 'test/a.test.ts', why: 'needs docker (no Docker engine answers)' }])
  })
})
