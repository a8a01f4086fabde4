import { describe, expect, it } from 'vitest'
import { parseFile } from '../sources/document.ts'
import { indexCatalogue } from './catalogue.ts'
import { checkConsistency } from './consistency.ts'
import { withoutDuplicates } from './duplicates.ts'
import { nearest } from './nearest.ts'

const recorded = indexCatalogue('recorded.json', [
  {
    ...({ id: 'AP010', exchange: 'CZCE', product: 'AP', class: 'future' } as const),
    ...{ multiplier: 10, priceTick: 1, windows: { day: [] } },
  },
])

type Env = Record<string, string>

/** Documents of `kind name [namespace]: spec`, checked together; problems as `severity reason path: message`. */
function check(documents: Record<string, string>, env: Env = {}, mentioned = new Set<string>()): string[] {
  const text = Object.entries(documents).map(([title, spec]) => {
    const [kind, name, namespace = 'default'] = title.split(' ')
    return `apiVersion: feedplane.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: ${spec}\n`
  })
  const { objects: declared, problems } = parseFile('all.yaml', text.join('---\n'))
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  const { objects } = withoutDuplicates(declared)
  const catalogues = new Map([['recorded.json', recorded]])
  return checkConsistency({ objects, catalogues, env, mentioned }).map(
    ({ severity, reason, path, name, message }) => `${severity} ${reason} ${name} ${path}: ${message}`,
  )
}

const secrets = (...prefixes: string[]): Env =>
  Object.fromEntries(prefixes.flatMap(prefix => ['BROKER_ID', 'USER_ID', 'PASSWORD'].map(key => [prefix + key, 'x'])))
const env = secrets('P_', 'B_')

const fronts = "fronts: {primary: ['tcp://a:1'], backup: ['tcp://b:1']}"
const right = {
  'Host h': '{engine: {type: docker}, bindRoots: [/srv/data/]}',
  'FeedProfile p': `{gateway: {type: ctp, ${fronts}}}`,
  'Credentials primary': '{env: {prefix: P_}}',
  'Credentials backup': '{env: {prefix: B_}}',
  'SubscriptionSet s': '{catalogue: recorded.json, instruments: [CZCE.AP010]}',
}

function feed(over: Record<string, string> = {}): string {
  const members = {
    ...{ hostRef: 'h', profileRef: 'p', image: 'feed:1', subscriptions: '[s]' },
    ...{ credentials: '{primary: primary, backup: backup}', ...over },
  }
  return `{${Object.entries(members)
    .map(([key, value]) => `${key}: ${value}`)
    .join(', ')}}`
}

describe('a set of objects', () => {
  it('is right where everything fits', () => {
    expect(check({ ...right, 'Feed f': feed() }, env)).toEqual([])
  })

  it('may refer to what is declared, but wrong by itself', () => {
    const mentioned = new Set(['Host/default/other'])
    expect(check({ ...right, 'Feed f': feed({ hostRef: 'other' }) }, env, mentioned)).toEqual([])
  })

  it('says one thing about one mistake', () => {
    const found = check({ ...right, 'Feed f': feed({ hostRef: 'i', subscriptions: '[s, t]' }) }, env)
    expect(found).toEqual([
      'error DanglingReference f spec.hostRef: there is no Host i in the namespace default',
      'error DanglingReference f spec.subscriptions[1]: there is no SubscriptionSet t in the namespace default',
    ])
  })
})

describe('accounts', () => {
  it('need a front each: half of the fronts is an error', () => {
    const half = { ...right, 'FeedProfile p': "{gateway: {type: ctp, fronts: {primary: ['tcp://a:1']}}}", 'Feed f': feed() }
    expect(check(half, env)).toEqual([expect.stringMatching(/^error PartialAccount f spec.credentials.backup: /)])
    expect(check(half, { ...env, B_MD_ADDRESS: 'tcp://b:1' })).toEqual([])
  })

  it('are shared by feeds only where they allow as many logins: a warning', () => {
    const shared = (over: Record<string, string>) => check({ ...right, 'Feed f': feed(), 'Feed g': feed(over) }, env)
    expect(shared({ credentials: '{primary: primary}' })).toEqual([
      'warning LoginsShared f spec.credentials.primary: Credentials primary allow 1 login at a time, and the feeds f, g log in with them',
      'warning LoginsShared g spec.credentials.primary: Credentials primary allow 1 login at a time, and the feeds f, g log in with them',
    ])
    expect(shared({}).map(line => line.split(':')[0])).toEqual([
      'warning LoginsShared f spec.credentials.primary',
      'warning LoginsShared f spec.credentials.backup',
      'warning LoginsShared g spec.credentials.primary',
      'warning LoginsShared g spec.credentials.backup',
    ])
    expect(shared({ state: 'Stopped' })).toEqual([])
    const cold = '{primary: primary, backup: backup, standby: cold}'
    expect(shared({ credentials: cold })).toHaveLength(2)
    const two = {
      'Credentials primary': '{env: {prefix: P_}, logins: 2}',
      'Credentials backup': '{env: {prefix: B_}, logins: 2}',
    }
    expect(check({ ...right, ...two, 'Feed f': feed(), 'Feed g': feed() }, env)).toEqual([])
    const replay = { 'FeedProfile p': '{gateway: {type: replay, replay: {files: [a.csv]}}}' }
    expect(check({ ...right, ...replay, 'Feed f': feed(), 'Feed g': feed() }, env)).toEqual([])
  })

  it('may bring their fronts in files that nobody reads here: a warning', () => {
    const files = { ...right, 'FeedProfile p': "{gateway: {type: ctp, fronts: {primary: ['tcp://a:1']}}}" }
    const found = check({ ...files, 'Credentials backup': '{file: {path: b}}', 'Feed f': feed() }, env)
    expect(found).toEqual([expect.stringMatching(/^warning PartialAccount f spec.credentials.backup: /)])
    const none = check({ ...right, 'FeedProfile p': '{gateway: {type: simulator}}', 'Feed f': feed() }, env)
    expect(none.map(line => line.split(' ', 2).join(' '))).toEqual(['warning PartialAccount', 'warning PartialAccount'])
  })

  it('need no front to replay', () => {
    const replay = '{gateway: {type: replay, replay: {files: [a.csv]}}}'
    expect(check({ ...right, 'FeedProfile p': replay, 'Feed f': feed() }, env)).toEqual([])
  })

  it('are half set up where the environment has some of their variables', () => {
    const found = check(right, { ...secrets('P_'), B_USER_ID: 'x', B_PASSWORD: '' })
    expect(found).toEqual([
      'error PartialAccount backup spec.env.prefix: the environment has B_USER_ID of this account, but not B_BROKER_ID, B_PASSWORD',
    ])
  })

  it('are not set up at all on a machine without secrets: a warning', () => {
    expect(check(right)).toEqual([
      expect.stringMatching(/^warning SecretsAbsent /),
      expect.stringMatching(/^warning SecretsAbsent /),
    ])
  })

  it('of a bus need a token, or a user with a password', () => {
    const bus = { 'Credentials bus': '{account: nats, env: {prefix: N_}}' }
    expect(check(bus, { N_TOKEN: 'x' })).toEqual([])
    expect(check(bus, { N_USER: 'x' })).toEqual([expect.stringMatching(/but not N_TOKEN or N_PASSWORD$/)])
  })

  it('must be of the type that is needed', () => {
    const wrong = {
      ...right,
      'Credentials bus': '{account: nats, env: {prefix: N_}}',
      'FeedProfile p': `{gateway: {type: ctp, ${fronts}}, publish: {type: nats, servers: ['nats://a:1'], credentialsRef: primary}}`,
      'Feed f': feed({ credentials: '{primary: bus, backup: backup}' }),
    }
    expect(check(wrong, { ...env, N_TOKEN: 'x' })).toEqual([
      expect.stringMatching(/^error WrongAccountType p spec.publish.credentialsRef: .* type ctp, and nats/),
      expect.stringMatching(/^error WrongAccountType f spec.credentials.primary: .* type nats, and ctp/),
    ])
  })
})

describe('containers', () => {
  const other = Object.fromEntries(Object.entries(right).map(([title, spec]) => [`${title} default-x`, spec]))

  it('of two feeds on one engine must not have one name', () => {
    const clash = check({ ...right, ...other, 'Feed x-y': feed(), 'Feed y default-x': feed() }, env)
    expect(clash).toEqual([
      'error ContainerNameClash y metadata.name: its container would be named default-x-y-rN, as that of the Feed default/x-y (all.yaml:51)',
    ])
  })

  it('may have one name on two engines', () => {
    const remote = { ...other, 'Host h default-x': '{engine: {type: docker, endpoint: "tcp://localhost:2375"}}' }
    expect(check({ ...right, ...remote, 'Feed x-y': feed(), 'Feed y default-x': feed() }, env)).toEqual([])
    const explicit = { ...other, 'Host h default-x': '{engine: {type: docker, endpoint: "unix:///var/run/docker.sock"}}' }
    expect(check({ ...right, ...explicit, 'Feed x-y': feed(), 'Feed y default-x': feed() }, env)).toHaveLength(1)
  })

  it('bind only what the host opens', () => {
    const bind = (source: string) => feed({ container: `{binds: [{source: ${source}, target: /data}]}` })
    for (const source of ['/srv/data', '/srv/data/', '/srv/data/cn', '/srv//data/./cn']) {
      expect(check({ ...right, 'Feed f': bind(source) }, env)).toEqual([])
    }
    for (const source of ['/srv/database', '/srv', '/srv/other']) {
      expect(check({ ...right, 'Feed f': bind(source) }, env)).toEqual([expect.stringContaining('BindOutsideRoots')])
    }
  })

  it('of a process host come from its image store', () => {
    const host = { ...right, 'Host h': "{engine: {type: process, images: [{reference: 'feed:1', entry: main.ts}]}}" }
    expect(check({ ...host, 'Feed f': feed() }, env)).toEqual([])
    expect(check({ ...host, 'Feed f': feed({ image: 'feed:2' }) }, env)).toEqual([
      'error ImageNotInStore f spec.image: the image store of Host h has no feed:2',
    ])
  })
})

describe('the nearest name', () => {
  it.each([
    ['primray', 'primary'],
    ['BACKUP', 'backup'],
    ['backp', 'backup'],
    ['something-else', undefined],
    ['b', undefined],
  ])('to %s is %s', (name, expected) => {
    expect(nearest(name, ['primary', 'backup', 'hostRef'])).toBe(expected)
  })
})
