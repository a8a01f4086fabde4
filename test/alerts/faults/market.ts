import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { claimEpoch, epochSubjectOf } from '../../../feed/supervisor/claim.ts'
import { edit, save } from '../../mainjob/edit.ts'
import { feedctl } from '../../mainjob/feedctl.ts'
import type { Injection } from '../../monitoring/injections.ts'
import { key, type MonitoringStage } from '../../monitoring/stage.ts'
import { until } from '../../services/deadline.ts'
import { withBus } from './bus.ts'
import { closedForLong, openAroundTheClock } from './days.ts'

/** Of ticks and subscriptions. */
export const marketFaults: Injection[] = [
  {
    fault: 'the front loses every acknowledgement, and cuts all connections',
    alerts: ['FeedplaneCoverageLow', 'FeedplaneFeedNotReady'],
    async inject({ order }) {
      await order({ loseAcknowledgements: {} })
      await order({ cut: { all: true } })
    },
    async mend({ order }) {
      await order({ clear: 'loseAcknowledgements' })
      await order({ cut: { all: true } })
    },
  },
  {
    fault: 'the front pushes nothing of one exchange in session',
    alerts: ['FeedplaneGroupSilent', 'FeedplaneFeedNotReady'],
    async inject(stage) {
      await declareCalendar(stage, 'open.json', openAroundTheClock(Date.now()))
      await stage.order({ stall: { group: 'CZCE' } })
    },
    async mend(stage) {
      await stage.order({ resume: true })
      await declareNoCalendar(stage)
    },
  },
  {
    fault: 'the market falls to a fortieth of its ticks',
    alerts: ['FeedplaneThroughputLow'],
    async inject({ order, prometheus }) {
      await order({ setRate: { rate: 20 } })
      const isUsual = async () => (await prometheus.query('feed:md_ticks_published_per_instrument:rate5m > 15')).length > 0
      await until('the throughput to be as usual', isUsual, 60_000)
      await order({ trickle: { all: true, rate: 0.5 } })
    },
    mend: ({ order }) => order({ clear: 'all' }),
  },
  {
    fault: 'a set of an old catalogue is declared, with what the front does not know any more',
    alerts: ['FeedplaneSubscriptionsRefused'],
    async inject({ manifests, data, feedFile }) {
      declareOldSet(manifests, data)
      edit(feedFile, 'subscriptions: [recorded]', 'subscriptions: [recorded, old]')
    },
    async mend({ manifests, feedFile }) {
      edit(feedFile, 'subscriptions: [recorded, old]', 'subscriptions: [recorded]')
      rmSync(join(manifests, 'old.yaml'))
    },
  },
  {
    fault: 'a calendar is declared that knows of no trading day in the next months',
    alerts: ['FeedplaneCalendarHorizonShort'],
    inject: stage => declareCalendar(stage, 'closed.json', closedForLong(Date.now())),
    mend: stage => declareNoCalendar(stage),
  },
  {
    fault: 'another process claims a higher epoch of the feed on the bus',
    alerts: ['FeedplaneNobodyPublishes'],
    inject: depose,
    mend: ({ controller }) => feedctl(controller.url, 'retry', key, '--wait'),
  },
]

const always = 'calendar: {type: always}'
const chinaFutures = /calendar: \{type: china-futures.*\}/

async function declareCalendar(stage: MonitoringStage, name: string, overrides: object): Promise<void> {
  save(join(stage.data, name), JSON.stringify(overrides))
  edit(profileOf(stage), always, `calendar: {type: china-futures, overrides: ${name}}`)
  await until('the calendar to be in force', () => knowsHolidays(stage), 60_000)
  await stage.controller.settled(key)
}

async function declareNoCalendar(stage: MonitoringStage): Promise<void> {
  edit(profileOf(stage), chinaFutures, always)
  await until('the calendar to be gone', async () => !(await knowsHolidays(stage)), 60_000)
  await stage.controller.settled(key)
}

const profileOf = ({ manifests }: MonitoringStage): string => join(manifests, 'profile.yaml')

const knowsHolidays = async ({ prometheus }: MonitoringStage): Promise<boolean> =>
  (await prometheus.query('md_calendar_horizon')).length > 0

/** As a process does that another controller has started of the same feed. */
async function depose({ nats, report }: MonitoringStage): Promise<void> {
  const { epoch } = await report()
  const claimant = { subject: epochSubjectOf('market.tick', key), holder: 'another-host' }
  await withBus(nats.url, connection => claimEpoch(epoch + 1, claimant, connection))
}

function declareOldSet(manifests: string, data: string): void {
  const catalogue = readFileSync(join(data, 'instruments/recorded.json'), 'utf8')
  save(join(data, 'instruments/old.json'), catalogue.replaceAll('AP010', 'AP011'))
  save(
    join(manifests, 'old.yaml'),
    `apiVersion: feedplane.dev/v1alpha1
kind: SubscriptionSet
metadata: {name: old, namespace: quickstart}
spec: {catalogue: instruments/old.json, instruments: [CZCE.AP011]}
`,
  )
}
