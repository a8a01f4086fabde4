import type { Registry } from 'prom-client'
import { Gauge } from 'prom-client'
import { horizonAt } from '../calendar/view.ts'
import type { Supervisor } from './supervisor.ts'

const lookMs = 3_600_000
/** The warning is repeated this often, in ms: journals and eyes are short. */
const repeatMs = 86_400_000

/** Warns, at the start and once a day, while the holidays are known for fewer than 30 trading days ahead. */
export class HorizonWatch {
  readonly #supervisor: Supervisor
  readonly #timer: NodeJS.Timeout
  #saidAt = Number.NEGATIVE_INFINITY

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor
    this.#timer = setInterval(() => this.look(Date.now()), lookMs)
    this.look(Date.now())
  }

  /** `now` is ms since 1970. */
  look(now: number): void {
    const { calendar, desired } = this.#supervisor
    if (desired.launch.calendar.type === 'always' || now - this.#saidAt < repeatMs) return
    const { days, knownUntil, isShort } = horizonAt(calendar.days, now)
    if (!isShort) return
    this.#saidAt = now
    const message =
      'the holidays are known for few trading days ahead: update chinese-days, or write them into calendar.overrides'
    this.#supervisor.say({ type: 'Warning', reason: 'CalendarHorizonShort', message, fields: { days, knownUntil } })
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

/** `md_calendar_horizon`, in trading days, worked out at each scrape; none where no holiday closes the market. */
export function addHorizonMetric(registry: Registry, supervisor: Supervisor): void {
  new Gauge({
    name: 'md_calendar_horizon',
    help: 'Trading days ahead for which the holidays are known; none where no holiday closes the market.',
    registers: [registry],
    collect() {
      if (supervisor.desired.launch.calendar.type === 'always') this.remove()
      else this.set(supervisor.calendar.days.horizon(Date.now()))
    },
  })
}
