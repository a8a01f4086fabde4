import { edit } from '../../mainjob/edit.ts'
import { feedctl } from '../../mainjob/feedctl.ts'
import type { Injection } from '../../monitoring/injections.ts'
import { key } from '../../monitoring/stage.ts'

/** Of flips, the standby and drills. */
export const failoverFaults: Injection[] = [
  {
    fault: 'the backup account is declared the active one',
    alerts: ['FeedplaneFailedOver'],
    inject: async ({ feedFile }) => edit(feedFile, 'active: primary', 'active: backup'),
    mend: async ({ feedFile }) => edit(feedFile, 'active: backup', 'active: primary'),
  },
  {
    fault: 'the simulator stops ticking for the standby account',
    alerts: ['FeedplaneStandbyUnhealthy'],
    inject: ({ order }) => order({ stall: { user: 'backup' } }),
    mend: ({ order }) => order({ resume: true }),
  },
  {
    fault: 'the simulator stops ticking for the account that publishes',
    alerts: ['FeedplaneWatchdogOverride'],
    inject: ({ order }) => order({ stall: { user: 'primary' } }),
    async mend({ order, controller }) {
      await order({ resume: true })
      await feedctl(controller.url, 'failback', key, '--wait')
    },
  },
]
