import { stalled } from '../../crds/contract/fault.ts'

export const feedZone = 'Asia/Shanghai'

/**
 * Throws a stalled Fault `ZoneWrong` where the process does not run in the exchanges' zone: CTP's library dates ticks by it. UTC+8 without
 * daylight saving, now and in 1970.
 */
export function assertZone(): void {
  const offsets = [new Date(0), new Date()].map(date => date.getTimezoneOffset())
  if (offsets.some(offset => offset !== -480))
    throw stalled('ZoneWrong', `the time zone is not ${feedZone}: install the zone data, or correct TZ`)
}
