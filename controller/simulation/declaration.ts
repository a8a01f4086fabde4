import type { Account } from '../../crds/contract/desired.ts'
import { indexCatalogue } from '../consistency/catalogue.ts'

export const hostNames = ['h1', 'h2'] as const
export type HostName = (typeof hostNames)[number]

/** Images by what they do. `missing` is in no registry, `unstartable` has no entry point, of `jammed` the engine cannot say why. */
export const imageNames = ['good-1', 'good-2', 'slow', 'crashes', 'never-logs-in', 'unstartable', 'jammed', 'missing'] as const
export type ImageName = (typeof imageNames)[number]
export const workingImages: ReadonlySet<ImageName> = new Set(['good-1', 'good-2', 'slow'])

export const imageReference = (name: ImageName) => `sim/${name}:1`

export const strategies = ['Default', 'Handover', 'Recreate'] as const

/** What the operator wants of one feed. */
export type Wish = {
  isDeclared: boolean
  host: HostName
  image: ImageName
  active: Account
  hasBackup: boolean
  set: 'few' | 'many'
  /** `Default` leaves it out. */
  strategy: (typeof strategies)[number]
  failback: 'manual' | 'auto'
  autoRollback: boolean
  isSuspended: boolean
  isStopped: boolean
  revision: number | undefined
  retry: string | undefined
}

export const firstWish: Wish = {
  isDeclared: true,
  host: 'h1',
  image: 'good-1',
  active: 'primary',
  hasBackup: true,
  set: 'few',
  strategy: 'Recreate',
  failback: 'manual',
  autoRollback: true,
  isSuspended: false,
  isStopped: false,
  revision: undefined,
  retry: undefined,
}

export const namespace = 'sim'
export const feedNames = ['a', 'b', 'c'] as const
export type FeedName = (typeof feedNames)[number]
export const keyOf = (feed: FeedName) => `${namespace}/${feed}`

/** Instruments of each set (`few` is edited, `many` is not), and logins that the main account allows; the spare one allows two. */
export type Shared = { few: number; batch: number; logins: 1 | 2 }
export const manyInstruments = 5

/** The file that declares one feed; JSON is YAML. */
export function feedFile(feed: FeedName, wish: Wish): string {
  const { retry, revision, hasBackup, active, autoRollback, strategy } = wish
  return document('Feed', feed, retry === undefined ? {} : { 'feedplane.dev/retry': retry }, {
    hostRef: wish.host,
    profileRef: 'p',
    image: imageReference(wish.image),
    subscriptions: [wish.set],
    suspend: wish.isSuspended,
    state: wish.isStopped ? 'Stopped' : 'Running',
    credentials: {
      active: hasBackup ? active : 'primary',
      primary: 'main',
      ...(hasBackup && { backup: 'spare' }),
      failback: wish.failback,
    },
    rollout: {
      ...{ progressDeadline: '20s', minHealthy: '2s', autoRollback },
      ...(strategy !== 'Default' && { strategy }),
    },
    ...(revision !== undefined && { revision }),
    revisionHistoryLimit: 4,
  })
}

/** The file that declares what feeds refer to. */
export function sharedFile({ few, batch, logins }: Shared): string {
  const engine = { type: 'process', images: [{ reference: 'x', entry: 'x' }] }
  const instruments = (count: number) => catalogued.slice(0, count).map(({ exchange, id }) => `${exchange}.${id}`)
  const set = (name: string, count: number) =>
    document('SubscriptionSet', name, {}, { catalogue: catalogueName, instruments: instruments(count) })
  return [
    ...hostNames.map(name => document('Host', name, {}, { engine })),
    document(
      'FeedProfile',
      'p',
      {},
      {
        gateway: { type: 'simulator' },
        calendar: { type: 'always' },
        rateLimits: { subscribeBatch: batch },
      },
    ),
    document('Credentials', 'main', {}, { logins, env: { prefix: 'MAIN_' } }),
    document('Credentials', 'spare', {}, { logins: 2, env: { prefix: 'SPARE_' } }),
    set('few', few),
    set('many', manyInstruments),
  ].join('---\n')
}

function document(kind: string, name: string, annotations: Record<string, string>, spec: object): string {
  const metadata = { name, namespace, annotations }
  return `${JSON.stringify({ apiVersion: 'feedplane.dev/v1alpha1', kind, metadata, spec })}\n`
}

const catalogueName = 'all.json'
const terms = { exchange: 'CZCE', product: 'AP', class: 'future', multiplier: 10, priceTick: 1 } as const
const catalogued = Array.from({ length: manyInstruments }, (_, index) => ({ ...terms, windows: { day: [] }, id: `AP00${index}` }))
export const catalogues = new Map([[catalogueName, indexCatalogue(catalogueName, catalogued)]])
