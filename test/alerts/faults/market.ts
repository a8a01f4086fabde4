import type { Injection } from '../../monitoring/injections.ts'

/** Of ticks and subscriptions. */
export const marketFaults: Injection[] = [
  {
    fault: 'the front loses every acknowledgement, and cuts all connections',
    alerts: ['FeedplaneCoverageLow'],
    async inject({ order }) {
      await order({ loseAcknowledgements: {} })
      await order({ cut: { all: true } })
    },
    async mend({ order }) {
      await order({ clear: 'loseAcknowledgements' })
      await order({ cut: { all: true } })
    },
  },
]
