import { expect, it } from 'vitest'
import { partOf } from './loadprofile.ts'
import { sharesOf } from './profile.ts'

it('adds the time of samples up by what ran', () => {
  const nodes = ['a', 'b', 'c'].map((functionName, id) => ({ id, callFrame: { functionName, url: '' } }))
  const profile = { nodes, samples: [0, 1, 2, 1], timeDeltas: [10, 20, 30, 40] }
  const shares = sharesOf(profile, ({ functionName }) => (functionName === 'b' ? 'one' : 'other'))
  expect([...shares.keys()]).toEqual(['other', 'one'])
  expect(shares.get('other')).toBeCloseTo(0.4)
  expect(shares.get('one')).toBeCloseTo(0.6)
})

it.each([
  ['number', 'file:///x/feed/publish/bytewriter.ts', 'encoding'],
  ['offer', 'file:///x/feed/publish/queue.ts', 'queue and acknowledgements'],
  ['observe', 'file:///x/feed/session/gate.ts', 'session and gate'],
  ['decode', 'file:///x/feed/gateways/tickrecord.ts', 'gateway'],
  ['parse', '/x/node_modules/@nats-io/nats-core/lib/parser.js', 'NATS client'],
  ['encode', 'node:internal/encoding', 'NATS client'],
  ['writeBuffer', '', 'Node and the kernel'],
  ['(garbage collector)', '', 'garbage collection'],
  ['(idle)', '', 'idle'],
])('knows whose %s of %s is', (functionName, url, part) => {
  expect(partOf({ functionName, url })).toBe(part)
})
