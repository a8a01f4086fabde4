/** What was accepted between two flushes and is not settled. */
export type Cohort = { pending: number; settled: () => void }

/** Tells when everything that was accepted before a moment is settled, while more comes in. */
export class Cohorts {
  readonly #open = new Map<Cohort, Promise<void>>()
  #current = this.#begin()

  enter(): Cohort {
    this.#current.pending++
    return this.#current
  }

  leave(cohort: Cohort): void {
    cohort.pending--
    if (cohort.pending === 0 && cohort !== this.#current) this.#end(cohort)
  }

  /** Resolves when all that entered before this call has left. */
  async before(): Promise<void> {
    const cohort = this.#current
    this.#current = this.#begin()
    const earlier = [...this.#open].filter(([open]) => open !== this.#current).map(([, settled]) => settled)
    if (cohort.pending === 0) this.#end(cohort)
    await Promise.all(earlier)
  }

  #begin(): Cohort {
    const { promise, resolve } = Promise.withResolvers<void>()
    const cohort = { pending: 0, settled: resolve }
    this.#open.set(cohort, promise)
    return cohort
  }

  #end(cohort: Cohort): void {
    this.#open.delete(cohort)
    cohort.settled()
  }
}
