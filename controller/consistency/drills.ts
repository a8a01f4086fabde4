import { isTimeZone, scheduleProblem } from '../kinds/failoverdrill/schedule.ts'
import type { Problem } from '../sources/problem.ts'
import { type ConsistencyInput, type DeclaredOf, objectsOf, referred } from './input.ts'
import { problemAt } from './problem.ts'

/** Any moment: whether a schedule ever asks for something does not depend on it. */
const someTime = Date.UTC(2026, 0, 1)

/** A schedule must name days that there are, in a time zone that there is. */
export function impossibleSchedules(input: ConsistencyInput): Problem[] {
  return objectsOf(input, 'FailoverDrill').flatMap(drill => {
    const { schedule, timeZone } = drill.resource.spec
    if (!isTimeZone(timeZone)) return [unknownZone(drill, timeZone)]
    const why = schedule === undefined ? undefined : scheduleProblem(schedule, timeZone, someTime)
    if (schedule === undefined || why === undefined) return []
    return [
      problemAt(drill, ['spec', 'schedule'], {
        category: 'consistency',
        reason: 'ScheduleImpossible',
        message: `the schedule "${schedule}" asks for nothing: ${why}`,
        hint: 'write minute, hour, day, month and weekday, such as "30 17 * * 1-5"',
      }),
    ]
  })
}

function unknownZone(drill: DeclaredOf<'FailoverDrill'>, timeZone: string): Problem {
  return problemAt(drill, ['spec', 'timeZone'], {
    category: 'consistency',
    reason: 'TimeZoneUnknown',
    message: `there is no time zone ${timeZone}`,
    hint: 'name one as the IANA does, such as Asia/Shanghai',
  })
}

/** A drill needs somebody to fail over to, who is warm. */
export function drillsWithoutStandby(input: ConsistencyInput): Problem[] {
  return objectsOf(input, 'FailoverDrill').flatMap(drill => {
    const feed = referred(input, drill, 'Feed', drill.resource.spec.feedRef)
    if (feed === undefined) return []
    const { backup, standby } = feed.resource.spec.credentials
    if (backup !== undefined && standby === 'warm') return []
    const what = backup === undefined ? 'has no backup account' : 'has a cold standby'
    return [
      problemAt(drill, ['spec', 'feedRef'], {
        category: 'consistency',
        reason: 'DrillWithoutStandby',
        message: `Feed ${drill.resource.spec.feedRef} ${what}, so every drill would be refused`,
        hint: 'declare credentials.backup and credentials.standby: warm of the feed, or remove the drill',
      }),
    ]
  })
}
