import { describe, expect, it } from 'vitest'
import { feedDirectory } from '../../crds/contract/desired.ts'
import type { FeedMemory } from '../store/memory.ts'
import type { finalInvariants } from './convergence.ts'
import type { Plant } from './incumbent.ts'
import type { lastingInvariants } from './oversight.ts'
import { simulate } from './simulation.ts'
import { canary } from './world.ts'

/** A bug is found within so many seeds, mostly in the first. */
const patience = 60

type Ports = Parameters<Plant>[0]

const withStore = (ports: Ports, store: Partial<Ports['store']>): Ports => ({ ...ports, store: { ...ports.store, ...store } })

const withMemory =
  (change: (memory: FeedMemory) => FeedMemory): Plant =>
  ports => {
    const { memory } = ports.store
    return withStore(ports, { memory: { ...memory, put: (feed, value) => memory.put(feed, change(value)) } })
  }

/** One planted bug for each invariant. */
const bugs: Record<keyof typeof lastingInvariants | keyof typeof finalInvariants, { bug: string; plant: Plant }> = {
  'one-publisher': {
    bug: 'every new container starts in epoch 1',
    plant(ports, { engines }) {
      for (const engine of engines.values()) {
        const { writeFiles } = engine
        engine.writeFiles = (name, files, signal) => {
          const older = files.map(file =>
            file.path === feedDirectory.desired ? { ...file, content: file.content.replace(/"epoch":\d+/, '"epoch":1') } : file,
          )
          engine.workloads.get(name)?.files.delete(`${feedDirectory.state}/desired.json`)
          return writeFiles(name, older, signal)
        }
      }
      return ports
    },
  },
  'epochs-grow': { bug: 'epochs are kept modulo 3', plant: withMemory(memory => ({ ...memory, epoch: memory.epoch % 3 })) },
  'feed-epochs-grow': {
    bug: 'a feed takes over whatever epoch it is pushed',
    plant: (ports, { feeds }) => ({
      ...ports,
      feeds: {
        ...ports.feeds,
        push: async (endpoint, _token, desired) => {
          const feed = feeds.running.get(endpoint)
          if (!feed) return
          feed.desired = { ...desired, epoch: feed.epoch - 1 }
          feeds.onAccepted(feed)
        },
      },
    }),
  },
  'strangers-untouched': {
    bug: 'an engine starts whatever it lists',
    plant(ports, { engines }) {
      for (const engine of engines.values()) {
        const { list } = engine
        engine.list = signal => {
          for (const workload of engine.workloads.values()) if (workload.image === 'stranger') workload.state = 'stopped'
          return list(signal)
        }
      }
      return ports
    },
  },
  'publisher-kept': {
    bug: 'a folder that is away is taken for an empty one',
    plant: (ports, { folder }) => ({
      ...ports,
      declared: {
        get: (kind, key) => (kind === 'Feed' && folder.trouble !== 'none' ? undefined : ports.declared.get(kind, key)),
      },
    }),
  },
  'declared-kept': {
    bug: 'a source that is not complete deletes what it does not show',
    plant(ports, { folder }) {
      const { declared } = ports.store
      return withStore(ports, {
        declared: {
          ...declared,
          accept: incoming => declared.accept(folder.trouble === 'none' ? incoming : { objects: [], complete: true }),
        },
      })
    },
  },
  'last-good-kept': {
    bug: 'the oldest revision is forgotten whenever there are two',
    plant(ports) {
      const { revisions } = ports.store
      const put: typeof revisions.put = (feed, revision) => {
        revisions.put(feed, revision)
        const [oldest, ...others] = revisions.list(feed)
        if (oldest && others.length > 0) revisions.remove(feed, [oldest.number])
      }
      return withStore(ports, { revisions: { ...revisions, put } })
    },
  },
  'suspended-untouched': {
    bug: 'suspend is not read',
    plant: ports => ({
      ...ports,
      declared: {
        get(kind, key) {
          const found = ports.declared.get(kind, key)
          if (found?.resource.kind !== 'Feed') return found
          const resource = { ...found.resource, spec: { ...found.resource.spec, suspend: false } }
          return { ...found, resource } as typeof found
        },
      },
    }),
  },
  'logins-allowed': {
    bug: 'every account is taken for one that allows two logins',
    plant(ports) {
      const { declared } = ports
      const get: typeof declared.get = (kind, key) => {
        const found = declared.get(kind, key)
        if (found?.resource.kind !== 'Credentials') return found
        const { resource } = found
        return { ...found, resource: { ...resource, spec: { ...resource.spec, logins: 2 } } }
      }
      return { ...ports, declared: { ...declared, get } }
    },
  },
  'stopped-stays-stopped': {
    bug: 'spec.state is read at every other look only',
    plant(ports) {
      const looks = new Map<string, number>()
      const get: typeof ports.declared.get = (kind, key) => {
        const found = ports.declared.get(kind, key)
        if (found?.resource.kind !== 'Feed') return found
        const look = (looks.get(key) ?? 0) + 1
        looks.set(key, look)
        const state = look % 2 === 0 ? 'Running' : found.resource.spec.state
        return { ...found, resource: { ...found.resource, spec: { ...found.resource.spec, state } } } as typeof found
      }
      return { ...ports, declared: { get } }
    },
  },
  'inventory-first': { bug: 'hosts are not remembered', plant: withMemory(memory => ({ ...memory, hosts: [] })) },
  'owner-marked': {
    bug: 'containers are made in the name of another feed',
    plant(ports, { engines }) {
      for (const engine of engines.values()) {
        const { create } = engine
        engine.create = (spec, signal) =>
          create({ ...spec, labels: { ...spec.labels, 'dev.feedplane.owner': 'Feed/sim/other' } }, signal)
      }
      return ports
    },
  },
  'secrets-kept': {
    bug: 'a password is in the text of an error',
    plant: ports => ({
      ...ports,
      secrets: {
        ...ports.secrets,
        read: async credentials => {
          const { values } = await ports.secrets.read(credentials)
          throw new Error(`disk: cannot parse ${Object.values(values).join(' ')}`)
        },
      },
    }),
  },
  'memory-bounded': {
    bug: 'revisions are never forgotten, and each is made anew',
    plant(ports) {
      const { revisions } = ports.store
      const put: typeof revisions.put = (feed, revision) => {
        revisions.put(feed, revision)
        for (let extra = 0; extra < 3; extra++)
          revisions.put(feed, { ...revision, number: revision.number * 100 + extra, state: 'failed' })
      }
      return withStore(ports, { revisions: { ...revisions, put, remove: () => undefined } })
    },
  },
  'no-busy-loop': {
    bug: 'each status that is looked at is a reason to look again',
    plant: (ports, { engines }) => {
      const { status } = ports.store
      const get: typeof status.get = (kind, key) => {
        ports.clock.after(1, () => {
          for (const engine of engines.values()) for (const name of engine.workloads.keys()) engine.changed(name)
        })
        return status.get(kind, key)
      }
      return withStore(ports, { status: { ...status, get } })
    },
  },
  'no-surprise': {
    bug: 'a profile is not there, and nobody asks',
    plant: ports => ({
      ...ports,
      declared: {
        get(kind, key) {
          const found = ports.declared.get(kind, key)
          if (kind === 'FeedProfile') void (undefined as unknown as { spec: object }).spec
          return found
        },
      },
    }),
  },
  'deletion-leaves-nothing': {
    bug: 'an engine lists nothing of a feed that is deleted',
    plant(ports, { engines, wishes }) {
      const isDeleted = (name: string) => [...wishes].some(([feed, wish]) => !wish.isDeclared && name.startsWith(`sim-${feed}-`))
      for (const engine of engines.values()) {
        const { list } = engine
        engine.list = async signal => (await list(signal)).filter(({ name }) => !isDeleted(name))
      }
      return ports
    },
  },
  'edit-answered': {
    bug: 'the generation that was observed is not written',
    plant(ports) {
      const { status } = ports.store
      const put: typeof status.put = (kind, key, value) => status.put(kind, key, { ...value, observedGeneration: 0 })
      return withStore(ports, { status: { ...status, put } })
    },
  },
  'status-true': {
    bug: 'every feed is Ready',
    plant(ports) {
      const { status } = ports.store
      const put: typeof status.put = (kind, key, value) => {
        const conditions = value.conditions?.map(condition =>
          condition.type === 'Ready' ? { ...condition, status: 'True' as const } : condition,
        )
        return status.put(kind, key, { ...value, ...(conditions && { conditions }) })
      }
      return withStore(ports, { status: { ...status, put } })
    },
  },
  'runs-as-declared': {
    bug: 'the status names another image than the one that runs',
    plant(ports) {
      const { status } = ports.store
      const put: typeof status.put = (kind, key, value) =>
        status.put(kind, key, 'image' in value ? { ...value, image: 'x' } : value)
      return withStore(ports, { status: { ...status, put } })
    },
  },
  'quiet-when-converged': {
    bug: 'each look tells the feed again what it knows',
    plant: ports => ({
      ...ports,
      feeds: {
        ...ports.feeds,
        report: async (endpoint, token, signal) => {
          const report = await ports.feeds.report(endpoint, token, signal)
          await ports.feeds.retryLogins(endpoint, token, { token: canary.slice(0, 1) }, signal)
          return report
        },
      },
    }),
  },
}

describe('each invariant', () => {
  for (const [name, { bug, plant }] of Object.entries(bugs))
    it(`${name} is violated where ${bug}`, { timeout: 60_000 }, async () => {
      for (let seed = 1; seed <= patience; seed++) {
        const { violation } = await simulate(seed, plant)
        // A bug may be seen by another invariant first, in a seed that has more to it.
        if (violation?.invariant === name) return
      }
      expect.fail(`${patience} seeds did not find it`)
    })
})
