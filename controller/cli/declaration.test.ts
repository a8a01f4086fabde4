import { describe, expect, it } from 'vitest'
import { editDeclaration, readDeclaration, readObjects } from './declaration.ts'
import type { Change } from './splice.ts'

const identity = { kind: 'Feed', namespace: 'production', name: 'ctp' }
const active = (value: string): Change => ({ path: ['spec', 'credentials', 'active'], value })

const head = 'apiVersion: feedplane.dev/v1alpha1\nkind: Feed\nmetadata: {name: ctp, namespace: production}\n'

const cases: { name: string; text: string; change: Change; line: number; before: string[]; after: string[] }[] = [
  {
    name: 'replaces a value in a flow mapping and keeps the comment behind it',
    text: `# the day feed\n${head}spec:\n  image: x:1   # pinned\n  credentials: { active: primary,  primary: a, backup: b }  # edit to fail over\n`,
    change: active('backup'),
    line: 7,
    before: ['  credentials: { active: primary,  primary: a, backup: b }  # edit to fail over'],
    after: ['  credentials: { active: backup,  primary: a, backup: b }  # edit to fail over'],
  },
  {
    name: 'replaces a value in a block mapping',
    text: `${head}spec:\n  credentials:\n    # who publishes\n    active: primary # or backup\n    primary: a\n`,
    change: active('backup'),
    line: 7,
    before: ['    active: primary # or backup'],
    after: ['    active: backup # or backup'],
  },
  {
    name: 'keeps double quotes',
    text: `${head}spec:\n  credentials:\n    active: "primary"\n`,
    change: active('backup'),
    line: 6,
    before: ['    active: "primary"'],
    after: ['    active: "backup"'],
  },
  {
    name: 'keeps single quotes',
    text: `${head}spec: {credentials: {active: 'primary'}}\n`,
    change: active('backup'),
    line: 4,
    before: ["spec: {credentials: {active: 'primary'}}"],
    after: ["spec: {credentials: {active: 'backup'}}"],
  },
  {
    name: 'adds a missing value at the end of a flow mapping',
    text: `${head}spec:\n  credentials: {primary: a, backup: b}\n`,
    change: active('backup'),
    line: 5,
    before: ['  credentials: {primary: a, backup: b}'],
    after: ['  credentials: {primary: a, backup: b, active: backup}'],
  },
  {
    name: 'adds a missing value as a line of its own after the last one, before the comments that follow',
    text: `${head}spec:\n  image: x:1\n  subscriptions:\n    - all # every one\n\n# the end\n---\nkind: Host\n`,
    change: { path: ['spec', 'suspend'], value: true },
    line: 8,
    before: [],
    after: ['  suspend: true'],
  },
  {
    name: 'adds a line where the file ends without a newline',
    text: `${head}spec:\n  image: x:1`,
    change: { path: ['spec', 'revision'], value: 3 },
    line: 6,
    before: [],
    after: ['  revision: 3'],
  },
  {
    name: 'adds a line after a block scalar',
    text: `kind: Feed\nmetadata: {name: ctp, namespace: production}\nspec:\n  image: x:1\n  note: |\n    two\n    lines\n\nstatus: {}\n`,
    change: { path: ['spec', 'revision'], value: 3 },
    line: 8,
    before: [],
    after: ['  revision: 3'],
  },
  {
    name: 'adds annotations where there are none',
    text: `${head}spec: {}\n`,
    change: { path: ['metadata', 'annotations', 'feedplane.dev/retry'], value: '20210104-1' },
    line: 3,
    before: ['metadata: {name: ctp, namespace: production}'],
    after: ['metadata: {name: ctp, namespace: production, annotations: {feedplane.dev/retry: "20210104-1"}}'],
  },
  {
    name: 'adds annotations to block metadata',
    text: `kind: Feed\nmetadata:\n  name: ctp\n  namespace: production # ours\nspec: {}\n`,
    change: { path: ['metadata', 'annotations', 'feedplane.dev/retry'], value: 'a' },
    line: 5,
    before: [],
    after: ['  annotations: {feedplane.dev/retry: a}'],
  },
  {
    name: 'fills an empty value',
    text: `${head}spec:\n  credentials:\n    active:\n    primary: a\n`,
    change: active('backup'),
    line: 6,
    before: ['    active:'],
    after: ['    active: backup'],
  },
  {
    name: 'replaces an alias by the value and leaves the anchor alone',
    text: `kind: Host\nmetadata: {name: h, annotations: {x: &who primary}}\nspec: {y: *who}\n---\n${head}spec: {credentials: {active: primary}}\n`,
    change: active('backup'),
    line: 8,
    before: ['spec: {credentials: {active: primary}}'],
    after: ['spec: {credentials: {active: backup}}'],
  },
  {
    name: 'replaces an alias scalar at the feed only',
    text: `kind: List\nitems:\n- kind: Feed\n  metadata: {name: other, namespace: production}\n  spec: {credentials: {active: &who primary}}\n- kind: Feed\n  metadata: {name: ctp, namespace: production}\n  spec: {credentials: {active: *who}}\n`,
    change: active('backup'),
    line: 8,
    before: ['  spec: {credentials: {active: *who}}'],
    after: ['  spec: {credentials: {active: backup}}'],
  },
  {
    name: 'lays a value over an aliased mapping, so that the rest still follows the anchor',
    text: `kind: List\nitems:\n- kind: Feed\n  metadata: {name: other, namespace: production}\n  spec:\n    credentials: &accounts {active: primary, primary: a, backup: b}\n- kind: Feed\n  metadata: {name: ctp, namespace: production}\n  spec:\n    credentials: *accounts\n`,
    change: active('backup'),
    line: 10,
    before: ['    credentials: *accounts'],
    after: ['    credentials: {<<: *accounts, active: backup}'],
  },
  {
    name: 'overrides a merged value at the feed only',
    text: `kind: List\nitems:\n- kind: Feed\n  metadata: {name: other, namespace: production}\n  spec:\n    credentials: &accounts {active: primary, primary: a, backup: b}\n- kind: Feed\n  metadata: {name: ctp, namespace: production}\n  spec:\n    credentials:\n      <<: *accounts\n      standby: cold\n`,
    change: active('backup'),
    line: 13,
    before: [],
    after: ['      active: backup'],
  },
  {
    name: 'writes a nested mapping out where a merge lends it',
    text: `kind: List\nitems:\n- kind: Feed\n  metadata: {name: other, namespace: production}\n  spec: &spec\n    image: x:1\n    credentials: {active: primary, primary: a, backup: b}\n- kind: Feed\n  metadata: {name: ctp, namespace: production}\n  spec: {<<: *spec, image: x:2}\n`,
    change: active('backup'),
    line: 10,
    before: ['  spec: {<<: *spec, image: x:2}'],
    after: ['  spec: {<<: *spec, image: x:2, credentials: {active: backup, primary: a, backup: b}}'],
  },
  {
    name: 'removes a line',
    text: `${head}spec:\n  image: x:1\n  revision: 3 # until Monday\n  suspend: false\n`,
    change: { path: ['spec', 'revision'], value: undefined },
    line: 6,
    before: ['  revision: 3 # until Monday'],
    after: [],
  },
  {
    name: 'removes a member of a flow mapping with its comma',
    text: `${head}spec: {image: x:1, revision: 3}\n`,
    change: { path: ['spec', 'revision'], value: undefined },
    line: 4,
    before: ['spec: {image: x:1, revision: 3}'],
    after: ['spec: {image: x:1}'],
  },
  {
    name: 'adds to JSON as JSON',
    text: '{"kind": "Feed", "metadata": {"name": "ctp", "namespace": "production"},\n "spec": {"image": "x:1"}}\n',
    change: { path: ['spec', 'credentials', 'active'], value: 'backup' },
    line: 2,
    before: [' "spec": {"image": "x:1"}}'],
    after: [' "spec": {"image": "x:1", "credentials": {"active":"backup"}}}'],
  },
  {
    name: 'edits JSON as JSON',
    text: '{"kind": "Feed", "metadata": {"name": "ctp", "namespace": "production"},\n "spec": {"credentials": {"active": "primary"}}}\n',
    change: active('backup'),
    line: 2,
    before: [' "spec": {"credentials": {"active": "primary"}}}'],
    after: [' "spec": {"credentials": {"active": "backup"}}}'],
  },
]

describe('editing a declaration', () => {
  it.each(cases)('$name', ({ text, change, line, before, after }) => {
    const edited = editDeclaration(text, 'a.yaml', identity, change)
    expect({ line: edited.line, before: edited.before, after: edited.after }).toEqual({ line, before, after })
    expect(untouched(edited.text, line, after.length)).toEqual(untouched(text, line, before.length))
  })

  it.each(cases)('$name: with CRLF line ends too', ({ text, change, line, before, after }) => {
    const crlf = text.replaceAll('\n', '\r\n')
    const edited = editDeclaration(crlf, 'a.yaml', identity, change)
    expect({ line: edited.line, before: edited.before, after: edited.after }).toEqual({ line, before, after })
    expect(edited.text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
  })

  it.each(cases)('$name: and back again reads as before', ({ text, change }) => {
    const edited = editDeclaration(text, 'a.yaml', identity, change)
    const [section = '', ...rest] = change.path
    const was = rest.reduce<unknown>(
      (value, key) => (value as Record<string, unknown> | undefined)?.[key],
      readDeclaration(text, 'a.yaml', identity)?.[section],
    )
    const read = rest.reduce<unknown>(
      (value, key) => (value as Record<string, unknown> | undefined)?.[key],
      readDeclaration(edited.text, 'a.yaml', identity)?.[section],
    )
    expect(read).toEqual(change.value)
    expect(was).not.toEqual(read)
  })

  it('refuses to change an anchor that others use', () => {
    const text = `kind: List\nitems:\n- kind: Feed\n  metadata: {name: ctp, namespace: production}\n  spec: {credentials: {active: &who primary}}\n- kind: Feed\n  metadata: {name: b}\n  spec: {credentials: {active: *who}}\n`
    expect(() => editDeclaration(text, 'a.yaml', identity, active('backup'))).toThrow(
      'a.yaml:3: changing spec.credentials.active would change other values too',
    )
  })

  it('refuses to remove what only a merge lends', () => {
    const text = `kind: List\nitems:\n- kind: Feed\n  metadata: {name: other}\n  spec: &s {revision: 3}\n- kind: Feed\n  metadata: {name: ctp, namespace: production}\n  spec: {<<: *s}\n`
    expect(() => editDeclaration(text, 'a.yaml', identity, { path: ['spec', 'revision'], value: undefined })).toThrow(
      'cannot be removed here alone',
    )
  })

  it('refuses a file that does not parse, naming line and column', () => {
    expect(() => editDeclaration(`${head}spec: {a: [1\n`, 'a.yaml', identity, active('backup'))).toThrow(
      /^a\.yaml:\d+:\d+: this is no YAML/,
    )
  })

  it('refuses a file that no longer declares the resource', () => {
    expect(() => editDeclaration('kind: Host\n', 'a.yaml', identity, active('backup'))).toThrow(
      'no longer declares Feed production/ctp',
    )
  })

  it('refuses a resource that is declared twice', () => {
    const text = `${head}spec: {}\n---\n${head}spec: {}\n`
    expect(() => editDeclaration(text, 'a.yaml', identity, active('backup'), 5)).toThrow(
      'declares Feed production/ctp 2 times (the controller took the one at line 5)',
    )
  })
})

describe('reading declarations', () => {
  it('unpacks lists and resolves anchors', () => {
    const text = `kind: List\nitems:\n- {kind: Host, metadata: &m {name: h}}\n- {kind: Feed, metadata: {<<: *m}}\n---\nkind: Feed\n`
    expect(readObjects(text, 'a.yaml')).toEqual([
      { kind: 'Host', metadata: { name: 'h' } },
      { kind: 'Feed', metadata: { name: 'h' } },
      { kind: 'Feed' },
    ])
  })

  it('finds nothing in an empty file', () => {
    expect(readObjects('# nothing yet\n', 'a.yaml')).toEqual([])
  })
})

function untouched(text: string, line: number, count: number): string[] {
  return text.split('\n').toSpliced(line - 1, count)
}
