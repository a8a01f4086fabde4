import { describe, expect, it } from 'vitest'
import { tokenAfter } from './enforcement.ts'

const now = Date.parse('2026-11-23T05:45:00Z')

describe('a try', () => {
  it('is the first where none was made in the last hour', () => {
    expect(tokenAfter('', now)).toBe('health-1-2026-11-23T05:45:00.000Z')
    expect(tokenAfter('2026-11-23T05:44:00.000Z?state=silent', now)).toMatch(/^health-1-/)
    expect(tokenAfter('health-3-2026-11-23T04:44:00.000Z?state=silent', now)).toMatch(/^health-1-/)
  })

  it('is counted on, whoever made the one before', () => {
    expect(tokenAfter('health-1-2026-11-23T05:40:00.000Z?state=silent', now)).toMatch(/^health-2-/)
  })

  it('is refused where three have not helped', () => {
    expect(() => tokenAfter('health-3-2026-11-23T05:40:00.000Z?state=silent', now)).toThrow(/3 tries have not helped/)
  })
})
