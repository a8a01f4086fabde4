import type { SilentGroup } from '../../crds/contract/feedstatus.ts'
import type { Supervisor } from './supervisor.ts'

/**
 * The groups in session of which the account that publishes has had no fresh tick for the watchdog's threshold; none while the watchdog is
 * off or no gate is open. A calendar that is always open knows no sessions: there a silent group may just be closed, and only the
 * silence of all groups counts.
 */
export function silentGroupsOf({ desired, openGate, isMoving, tickWatch }: Supervisor): SilentGroup[] {
  const { role, watchdog } = desired.live
  if (openGate === undefined || isMoving || role === 'standby' || !watchdog.enabled) return []
  const silent = tickWatch.silentOf(openGate.account)
  const knowsSessions = desired.launch.calendar.type !== 'always'
  return knowsSessions || silent.length === tickWatch.sights.length ? silent : []
}
