import { parseDurationMs } from './duration.ts'
import { trouble } from './exit.ts'

/** What a timer of Node's counts to, in hours: one that is set to more ends at once. */
const longestHours = 596

/** ms that an option names. Throws trouble for a text that is no duration, or longer than a timer runs. */
export function durationMsOf(option: string, text: string): number {
  const ms = parseDurationMs(text)
  if (ms === undefined) throw trouble(`${option} ${text} is no duration`, 'write a whole number and ms, s, m or h, such as 180s')
  if (ms > longestHours * 3_600_000) throw trouble(`${option} ${text} is too long`, `${longestHours}h at most`)
  return ms
}

/** The number that an option names. Throws trouble for one that is none, or out of bounds. */
export function numberOf(option: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= min && value <= max) return value
  throw trouble(`${option} ${text} is no number from ${min} to ${max}`)
}
