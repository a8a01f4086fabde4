import { statfs } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { asFault } from '../../crds/contract/fault.ts'
import { keyOf } from '../../crds/contract/resource.ts'
import type { Spec } from '../../crds/kinds.ts'
import { viewFronts } from '../kinds/feed/fronts.ts'
import { engineOf } from '../kinds/feed/gather.ts'
import type { Ports } from '../kinds/reconcile.ts'
import type { Declared } from '../store/declared.ts'
import type { PreflightFacts } from './contract.ts'
import { notFound } from './resources.ts'
import type { ServerOptions } from './server.ts'

/** An engine that takes longer to tell its time is not well either. */
const engineMs = 5000

type Named = { namespace: string; name: string }

/** What only the controller can see of the world that a feed is started into: nothing is changed, and no secret is told. */
export function addPreflightRoute(server: FastifyInstance, { ports, stateDirectory }: ServerOptions): void {
  server.get<{ Params: Named }>('/api/v1/feeds/:namespace/:name/preflight', async ({ params: { namespace, name } }) => {
    const feed = ports.declared.get('Feed', `${namespace}/${name}`) ?? notFound(`Feed ${namespace}/${name}`)
    return factsOf(feed, ports, stateDirectory)
  })
}

async function factsOf(feed: Declared<'Feed'>, ports: Ports, stateDirectory: string): Promise<PreflightFacts> {
  const { metadata, spec } = feed.resource
  const signal = AbortSignal.timeout(engineMs)
  const profile = ports.declared.get('FeedProfile', `${metadata.namespace}/${spec.profileRef}`)?.resource.spec
  const [fronts, servers, engine, { bsize, blocks, bavail }] = await Promise.all([
    profile && profile.gateway.type !== 'replay' ? viewFronts(profile.gateway, accountsOf(feed, ports), ports, signal) : [],
    dialAll(profile, ports, signal),
    lookAtEngine(feed, ports, signal),
    statfs(stateDirectory),
  ])
  const disk = { availableBytes: bavail * bsize, sizeBytes: blocks * bsize }
  return { at: ports.clock.now(), fronts, servers, engine, disk }
}

function accountsOf({ resource: { metadata, spec } }: Declared<'Feed'>, { declared }: Ports) {
  const { primary, backup } = spec.credentials
  const find = (name: string | undefined) =>
    name === undefined ? undefined : declared.get('Credentials', `${metadata.namespace}/${name}`)
  const [first, second] = [find(primary), find(backup)]
  return { ...(first && { primary: first }), ...(second && { backup: second }) }
}

function dialAll(
  profile: Spec<'FeedProfile'> | undefined,
  { dial }: Ports,
  signal: AbortSignal,
): Promise<PreflightFacts['servers']> {
  const servers = profile?.publish.type === 'none' ? [] : (profile?.publish.servers ?? [])
  return Promise.all(
    servers.map(async address => {
      const error = await dial(address, signal)
      return { address, ...(error !== undefined && { error }) }
    }),
  )
}

/** Half of the way there and back is taken off. */
async function lookAtEngine({ resource: { metadata, spec } }: Declared<'Feed'>, ports: Ports, signal: AbortSignal) {
  const host = spec.hostRef
  try {
    const { engine } = await engineOf(keyOf({ namespace: metadata.namespace, name: host }), ports)
    const before = ports.clock.now()
    const shown = await engine.clock(signal)
    return { host, skewMs: Math.round(shown - (before + ports.clock.now()) / 2) }
  } catch (error) {
    const { reason, message } = asFault(error)
    return { host, error: `${reason}: ${message}` }
  }
}
