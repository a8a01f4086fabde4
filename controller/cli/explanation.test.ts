import { describe, expect, it } from 'vitest'
import { kinds } from '../../crds/kinds.ts'
import { explain, splitPath } from './explanation.ts'

describe('explain', () => {
  it.each([
    [
      'feed.credentials.active',
      'Feed.spec.credentials.active  primary | backup  default "primary"\nAccount that publishes. Editing it is the failover.',
    ],
    ['feed.spec.image', 'Feed.spec.image  string  required'],
    ['feed.container.pidsLimit', 'Limits: from 16 to 4096'],
    ['feed.container.binds', 'target  string  required'],
    ['feed.status.subscriptions', 'acknowledged / desired, 0 to 1.'],
    ['feed.subscriptions', 'Limits: 1 to 64 entries'],
    ['host', 'Members:\n  spec '],
  ])('%s', (text, words) => {
    const { kind, path } = splitPath(text)
    const name = Object.keys(kinds).find(one => one.toLowerCase() === kind) as keyof typeof kinds
    expect(explain(name, path)).toContain(words)
  })

  it('names the members that there are where one is not', () => {
    expect(() => explain('Feed', ['spec', 'credentials', 'third'])).toThrow('Feed.spec.credentials has no member third')
  })

  it('has a description for every first member of every spec', () => {
    const lacking = Object.keys(kinds).flatMap(kind =>
      explain(kind as keyof typeof kinds, ['spec'])
        .split('\n')
        .filter(line => /^ {2}\w+ .*(required|optional|default \S+)$/.test(line))
        .map(line => `${kind}: ${line.trim()}`),
    )
    expect(lacking).toEqual([])
  })
})
