import { Gauge, type Registry } from 'prom-client'
import { silenceOf, windowsOf } from './market.ts'
import { silentGroupsOf } from './silence.ts'
import type { Supervisor } from './supervisor.ts'

/** What alert rules need to tell a break, a night and a holiday from trouble; worked out at each scrape. */
export function addTradingMetrics(registry: Registry, supervisor: Supervisor, now = Date.now): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  gauge('md_instruments_in_session', 'Subscribed instruments in continuous trading.', () =>
    instrumentsInSession(supervisor, now()),
  )
  gauge(
    'md_silent_groups',
    'Groups in continuous trading of which the account that publishes has had no tick for the threshold.',
    () => silentGroupsOf(supervisor).length,
  )
  gauge(
    'md_watchdog_threshold_seconds',
    'Silence in an open session that counts as a stall.',
    () => supervisor.desired.live.watchdog.thresholdSeconds,
  )
  gauge(
    'md_failover_latency_seconds',
    'Last failover: trading time from the order to the first tick of the new account.',
    () => failoverLatencyMs(supervisor) / 1000,
  )
}

function instrumentsInSession({ desired, calendar }: Supervisor, now: number): number {
  return desired.live.instrumentGroups
    .filter(({ windows }) => calendar.openMs(windows, now - 1, now) > 0)
    .reduce((sum, { instruments }) => sum + instruments.length, 0)
}

/** A gate that moves at lunch waits for the afternoon's first tick; only what that one let wait after the open is latency. */
function failoverLatencyMs({ failovers, calendar, desired }: Supervisor): number {
  const { last, firstTickAt } = failovers
  const firstTickMs = last?.phases.firstTickMs
  if (firstTickMs === undefined || firstTickAt === undefined) return 0
  const windows = windowsOf(desired.live.instrumentGroups)
  return Math.max(0, ...windows.map(one => silenceOf(calendar, one, firstTickAt - firstTickMs, firstTickAt)))
}
