import { describe, expect, it } from 'vitest'
import { exposition } from './pushgateway.ts'

describe('metrics as text', () => {
  it('have help, type and escaped labels', () => {
    const samples = [{ labels: { feed: 'a/"b"\\', stage: 'x\ny' }, value: 0.5 }]
    expect(exposition([{ name: 'md_x', type: 'gauge', help: 'What it is.', samples }])).toBe(
      '# HELP md_x What it is.\n# TYPE md_x gauge\nmd_x{feed="a/\\"b\\"\\\\",stage="x\\ny"} 0.5\n',
    )
    expect(exposition([{ name: 'md_y', type: 'untyped', help: 'Without labels.', samples: [{ labels: {}, value: 1 }] }])).toMatch(
      /^md_y 1$/m,
    )
  })
})
