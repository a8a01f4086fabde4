import { Cron } from 'croner'

/** The first moment after `after` at which a schedule asks for a drill, in ms since 1970; `undefined` where it never does. Throws where it is none. */
export function nextRun(schedule: string, timeZone: string, after: number): number | undefined {
  const cron = new Cron(schedule, { timezone: timeZone, mode: '5-part' })
  return cron.nextRun(new Date(after))?.getTime()
}

/** Why a schedule is none, or asks for nothing; `undefined` where it is right. */
export function scheduleProblem(schedule: string, timeZone: string, now: number): string | undefined {
  try {
    return nextRun(schedule, timeZone, now) === undefined ? 'there is no such day' : undefined
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error)
  }
}

/** Whether a time zone is known by this name. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined
  } catch {
    return false
  }
}
