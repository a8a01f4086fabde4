import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { DrillVerdict } from '../../../crds/failoverdrill.ts'
import { edit, save } from '../../mainjob/edit.ts'
import { feedctl } from '../../mainjob/feedctl.ts'
import type { Injection } from '../../monitoring/injections.ts'
import { key, type MonitoringStage } from '../../monitoring/stage.ts'
import { until } from '../../services/deadline.ts'

/** More than the five seconds that a failover may take. */
const slowMs = 7000

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
    alerts: ['FeedplaneWatchdogOverride', 'FeedplaneGaps'],
    inject: ({ order }) => order({ stall: { user: 'primary' } }),
    async mend({ order, controller }) {
      await order({ resume: true })
      await feedctl(controller.url, 'failback', key, '--wait')
    },
  },
  {
    fault: 'the gate is moved while no account has ticks for seven seconds',
    alerts: ['FeedplaneFailoverSlow'],
    async inject({ order, feedFile }) {
      await order({ stall: { all: true, forMs: slowMs } })
      edit(feedFile, 'active: primary', 'active: backup')
    },
    mend: async ({ feedFile }) => edit(feedFile, 'active: backup', 'active: primary'),
  },
  {
    fault: 'each account in turn stops ticking while it publishes',
    alerts: ['FeedplaneWatchdogFlapping'],
    async inject(stage) {
      for (const user of ['primary', 'backup', 'primary'] as const) {
        await stage.order({ resume: true, stall: { user } })
        await until(`${user} to be left`, async () => (await stage.report()).active !== user)
      }
    },
    async mend({ order, controller }) {
      await order({ resume: true })
      await feedctl(controller.url, 'failback', key, '--wait')
    },
  },
  {
    fault: 'a drill is declared that nobody holds',
    alerts: ['FeedplaneDrillOverdue'],
    inject: async stage => declareDrill(stage, 'overdueAfter: 10s'),
    async mend(stage) {
      await holdDrill(stage, 'pass')
      await until('the drill not to be overdue', async () => (await overdue(stage)) === '0')
      rmSync(drillFile(stage))
    },
  },
  {
    fault: 'a drill is held while the standby account has no ticks',
    alerts: ['FeedplaneDrillFailed'],
    async inject(stage) {
      declareDrill(stage)
      await stage.order({ stall: { user: 'backup' } })
      await holdDrill(stage, 'fail')
    },
    async mend(stage) {
      await stage.order({ resume: true })
      await feedctl(stage.controller.url, 'failback', key, '--wait')
      await holdDrill(stage, 'pass')
      rmSync(drillFile(stage))
    },
  },
  {
    fault: 'a drill with wide bounds is held while the market is without ticks for eight seconds',
    alerts: ['FeedplaneDrillSlow'],
    async inject(stage) {
      await setThreshold(stage, 3, 30)
      declareDrill(stage, 'bounds: {failover: 20s}')
      await stage.order({ setRate: { rate: 0, forMs: slowMs + 1000 } })
      await holdDrill(stage, 'pass')
    },
    async mend(stage) {
      await holdDrill(stage, 'pass')
      rmSync(drillFile(stage))
      await setThreshold(stage, 30, 3)
    },
  },
]

const drillFile = ({ manifests }: MonitoringStage): string => join(manifests, 'drill.yaml')

function declareDrill(stage: MonitoringStage, ...members: string[]): void {
  const spec = ['feedRef: demo', 'market: any', 'hold: 1s', ...members].join(', ')
  const text = `apiVersion: feedplane.dev/v1alpha1
kind: FailoverDrill
metadata: {name: drill, namespace: quickstart}
spec: {${spec}}
`
  save(drillFile(stage), text)
}

async function holdDrill({ controller }: MonitoringStage, verdict: DrillVerdict): Promise<void> {
  const isKnown = async () => (await feedctl(controller.url, 'drill', '-n', 'quickstart')).out.includes('quickstart/drill')
  await until('the drill to be known', isKnown)
  const { out, err } = await feedctl(controller.url, 'drill', 'quickstart/drill', '--wait', '--timeout', '60s')
  expect(`${out}${err}`).toMatch(new RegExp(`\\b${verdict}\\b`))
}

async function overdue({ prometheus }: MonitoringStage): Promise<string | undefined> {
  return (await prometheus.query('feedplane_drill_overdue')).at(0)?.value[1]
}

/** Takes a new revision, which a drill must not overtake. */
async function setThreshold({ manifests, controller }: MonitoringStage, from: number, to: number): Promise<void> {
  const revision = async () => (await controller.view(key)).status.revision
  const before = await revision()
  edit(join(manifests, 'profile.yaml'), `thresholdSeconds: ${from}`, `thresholdSeconds: ${to}`)
  await until('another revision', async () => (await revision()) !== before)
  await controller.settled(key)
}
