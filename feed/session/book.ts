import type { Live } from '../../crds/contract/desired.ts'
import type { AccountListing, RetryRequest, SubscriptionQuestion } from '../../crds/contract/subscriptions.ts'
import type { Calendar } from '../calendar/calendar.ts'
import type { Line } from './line.ts'
import { listingOf, type Moment, selected, stateOf } from './listing.ts'
import { Resubscription, type RunOutcome } from './resubscription.ts'
import type { Subscriptions } from './subscriptions.ts'

export type BookOptions = {
  subscriptions: Subscriptions
  calendar: Calendar
  rateLimits: () => Live['rateLimits']
  /** A push was seen of this line, and the next one will be the state at that moment again. */
  unsee: (line: Line) => void
  done: (outcome: RunOutcome) => void
}

/** Answers what has become of the subscriptions, and asks again for those that an operator names. */
export class Book {
  readonly #options: BookOptions
  readonly #run: Resubscription

  constructor(options: BookOptions) {
    this.#options = options
    this.#run = new Resubscription({ renew: lines => this.#renew(lines), done: options.done })
  }

  list(question: SubscriptionQuestion): AccountListing {
    return listingOf(this.#options.subscriptions.lines(), question, this.#moment())
  }

  /** Begins a run, or adds to the one that is under way; answers how many instruments it is about. */
  renew(request: RetryRequest): number {
    const moment = this.#moment()
    const isMeant = (line: Line) => request.states.some(state => state === stateOf(line, request.silentAfterSeconds, moment))
    const lines = [...selected(this.#options.subscriptions.lines(), request)].filter(isMeant)
    const { subscribeBatch, subscribeRequestsPerSecond } = this.#options.rateLimits()
    const { batch = subscribeBatch, requestsPerSecond = subscribeRequestsPerSecond, retries } = request
    this.#run.order(lines, { batch, requestsPerSecond, retries })
    return lines.length
  }

  /** The connection is gone: the next login asks for everything. */
  stop(): void {
    this.#run.stop()
  }

  #renew(lines: Line[]): void {
    for (const line of lines) if (line.wanted && line.seen) this.#options.unsee(line)
    this.#options.subscriptions.renew(lines)
  }

  #moment(): Moment {
    return { calendar: this.#options.calendar, now: Date.now() }
  }
}
