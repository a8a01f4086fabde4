/** What a row declares: feeds that are alike, on one engine, of recorded ticks. */
export type Declaration = {
  namespace: string
  image: string
  /** Spec of the engine, of another type than docker: YAML in one line. */
  engine?: string
  /** `unix://` endpoint; the engine's usual one where left out. */
  endpoint?: string
  /** Names. One, `feed`, where left out. */
  feeds?: string[]
  strategy?: 'Handover' | 'Recreate'
  /** Of a rollout. */
  deadline?: string
  stopGrace?: string
  /** With a backup account, warm. */
  backup?: boolean
}

/** Declared files by name. Every name on the engine begins with the namespace, so that one filter finds all that is left. */
export function manifestsOf(declaration: Declaration): Record<string, string> {
  const { namespace, feeds = ['feed'] } = declaration
  const object = (kind: string, name: string, spec: string) =>
    `apiVersion: feedplane.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec:\n${spec}\n`
  return {
    'host.yaml': object('Host', 'here', hostSpec(declaration)),
    'feeds.yaml': feeds.map(name => object('Feed', name, feedSpec(declaration))).join('---\n'),
    'rest.yaml': [
      ...['primary', 'backup'].map(name => object('Credentials', name, `  logins: 2\n  file: {path: ${name}}`)),
      object('FeedProfile', 'recorded', profileSpec),
      object('SubscriptionSet', 'apples', '  catalogue: instruments/recorded.json\n  instruments: [CZCE.AP010]'),
    ].join('---\n'),
  }
}

const hostSpec = ({ namespace, endpoint, engine = dockerEngine(endpoint) }: Declaration): string =>
  `  engine: ${engine}
  network: ${namespace}-net
  project: ${namespace}-feeds`

const dockerEngine = (endpoint: string | undefined): string =>
  `{type: docker${endpoint === undefined ? '' : `, endpoint: '${endpoint}'`}}`

const feedSpec = ({ image, strategy = 'Recreate', deadline = '60s', stopGrace = '10s', backup = false }: Declaration): string =>
  `  hostRef: here
  profileRef: recorded
  image: ${image}
  credentials: {active: primary, primary: primary${backup ? ', backup: backup' : ''}}
  subscriptions: [apples]
  container: {memory: 256Mi, stopGrace: ${stopGrace}}
  rollout: {strategy: ${strategy}, progressDeadline: ${deadline}, minHealthy: 1s}`

const profileSpec = `  gateway: {type: replay, replay: {files: [ticks/czce-AP010-20200803.csv.gz]}}
  calendar: {type: always}
  publish: {type: none}`
