import type { Desired } from '../../crds/contract/desired.ts'

/** For tests: a desired state without instruments. */
export function desiredWith(changes: Partial<Desired>): Desired {
  return {
    version: 1,
    feed: 'test/feed',
    revision: 1,
    epoch: 1,
    launch: {
      gateway: { type: 'replay', replay: { files: ['ticks.csv'], speed: 1, loop: true, skipBreaks: true } },
      publish: {
        type: 'none',
        servers: [],
        subjectPrefix: 'market.tick',
        stream: 'TICKS',
        maxAgeSeconds: 60,
        maxBytes: 1_048_576,
      },
      calendar: { type: 'always' },
      queue: { maxTicks: 1000 },
      accounts: ['primary', 'backup'],
    },
    live: {
      role: 'publisher',
      active: 'primary',
      standby: 'warm',
      rateLimits: { loginsPerSecond: 1, subscribeBatch: 500, subscribeRequestsPerSecond: 20, maxUnacknowledged: 2000 },
      watchdog: { enabled: true, thresholdSeconds: 60 },
      instrumentGroups: [],
    },
    ...changes,
  }
}
