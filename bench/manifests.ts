const kind = (kind: string, name: string, spec: string): string =>
  `apiVersion: feedplane.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}, namespace: bench}\nspec:\n${spec}`

/** Names that the measurements edit. */
export const feedKey = 'bench/demo'
export const images = { one: 'feedplane/feed:1.0', two: 'feedplane/feed:1.1' } as const

const host = kind(
  'Host',
  'local',
  `  engine:
    type: process
    images:
      - {reference: '${images.one}', entry: feed/main.ts}
      - {reference: '${images.two}', entry: feed/main.ts, args: ['--again']}
`,
)

const credentials = `${kind('Credentials', 'primary', '  file: {path: primary}\n')}---\n${kind('Credentials', 'backup', '  file: {path: backup}\n')}`

function feed(standby: 'warm' | 'cold'): string {
  return kind(
    'Feed',
    'demo',
    `  hostRef: local
  profileRef: profile
  image: ${images.one}
  credentials:
    active: primary
    primary: primary
    backup: backup
    standby: ${standby}
  subscriptions: [all]
  rollout: {progressDeadline: 60s, minHealthy: 1s}
`,
  )
}

/** A feed that plays recorded days and publishes nothing: the smallest one that is real. */
export function replayManifests(): Record<string, string> {
  const profile = `  gateway:
    type: replay
    replay: {files: [ticks/czce-AP010-20200803.csv.gz, ticks/cffex-IF2101-20210104.csv.gz], speed: 10}
  calendar: {type: always}
  publish: {type: none}
`
  const set = '  catalogue: instruments/recorded.json\n  instruments: [CZCE.AP010, CFFEX.IF2101]\n'
  return {
    'host.yaml': host,
    'credentials.yaml': credentials,
    'profile.yaml': kind('FeedProfile', 'profile', profile),
    'subscriptions.yaml': kind('SubscriptionSet', 'all', set),
    'feed.yaml': feed('warm'),
  }
}

/** A feed on a simulated front. `publish` and `instruments` are YAML: of the profile, and a line of the set on the catalogue. */
export function simulatedManifests(how: {
  front: number
  publish: string
  instruments: string
  /** File below the data directory; all that is shipped where left out. */
  catalogue?: string
  standby: 'warm' | 'cold'
}): Record<string, string> {
  const address = `['tcp://127.0.0.1:${how.front}']`
  const profile = `  gateway: {type: simulator, fronts: {primary: ${address}, backup: ${address}}}
  calendar: {type: always}
  publish: ${how.publish}
  rateLimits: {loginsPerSecond: 1}
`
  return {
    'host.yaml': host,
    'credentials.yaml': credentials,
    'profile.yaml': kind('FeedProfile', 'profile', profile),
    'subscriptions.yaml': kind(
      'SubscriptionSet',
      'all',
      `  catalogue: ${how.catalogue ?? 'instruments/cn-derivatives-14246.json.gz'}\n  ${how.instruments}\n`,
    ),
    'feed.yaml': feed(how.standby),
  }
}
