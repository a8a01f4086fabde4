import type { Injection } from '../../monitoring/injections.ts'

/** Of NATS, the stream and its consumers. */
export const busFaults: Injection[] = [
  {
    fault: 'NATS is killed',
    alerts: ['FeedplaneBusAway'],
    inject: ({ nats }) => nats.kill(),
    mend: ({ nats }) => nats.restart(),
  },
]
