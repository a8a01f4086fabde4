const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** Milliseconds of `90s`, `500ms`, `3m`, `1h`; undefined where it is none of these. */
export function parseDurationMs(text: string): number | undefined {
  const [, digits, unit] = /^([1-9]\d{0,8})(ms|s|m|h)$/.exec(text) ?? []
  return digits === undefined ? undefined : Number(digits) * units[unit as keyof typeof units]
}

/** A time span as operators read it: `350ms`, `42s`, `6m10s`, `3h4m`, `2d5h`. */
export function renderSpan(spanMs: number): string {
  const ms = Math.max(0, Math.round(spanMs))
  if (ms < 1000) return `${ms}ms`
  const seconds = Math.floor(ms / 1000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return two(minutes, 'm', seconds % 60, 's')
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? two(hours, 'h', minutes % 60, 'm') : two(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

/** `HH:MM` of the exchanges' clock (Asia/Shanghai), which is what sessions are quoted in. */
export function marketClock(at: number): string {
  return shanghai.format(at)
}

const shanghai = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Asia/Shanghai',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
})

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`
}
