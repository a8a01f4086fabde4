import type { Desired, InstrumentGroup } from '../../crds/contract/desired.ts'
import { defaultUniverse, readUniverse } from '../../feed/simulator/universe.ts'

/** The first instruments of the simulator's universe, grouped as the controller groups them. */
export async function groupsOf(count: number): Promise<InstrumentGroup[]> {
  const groups = new Map<string, InstrumentGroup>()
  for (const { id, ...shared } of await readUniverse([defaultUniverse], count)) {
    const key = JSON.stringify(shared)
    const group = groups.get(key) ?? { ...shared, instruments: [] }
    group.instruments.push(id)
    groups.set(key, group)
  }
  return [...groups.values()]
}

/** A desired state on a simulator at this port: publisher, primary, warm. */
export function desiredOn(port: number, instrumentGroups: InstrumentGroup[]): Desired {
  const fronts = [`tcp://127.0.0.1:${port}`]
  return {
    version: 1,
    feed: 'test/feed',
    revision: 1,
    epoch: 1,
    launch: {
      gateway: { type: 'simulator', fronts: { primary: fronts, backup: fronts } },
      publish: {
        type: 'none',
        servers: [],
        subjectPrefix: 'market.tick',
        stream: 'TICKS',
        maxAgeSeconds: 3600,
        maxBytes: 67_108_864,
      },
      calendar: { type: 'always' },
      queue: { maxTicks: 65_536 },
      accounts: ['primary', 'backup'],
    },
    live: {
      role: 'publisher',
      active: 'primary',
      standby: 'warm',
      rateLimits: { loginsPerSecond: 1, subscribeBatch: 500, subscribeRequestsPerSecond: 50, maxUnacknowledged: 2000 },
      watchdog: { enabled: true, thresholdSeconds: 60 },
      instrumentGroups,
    },
  }
}

/** The same with another live part and, where given, another epoch. */
export function withLive(desired: Desired, live: Partial<Desired['live']>, epoch = desired.epoch): Desired {
  return { ...desired, epoch, live: { ...desired.live, ...live } }
}
