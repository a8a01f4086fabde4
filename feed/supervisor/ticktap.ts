import type { Tick } from '../../crds/contract/tick.ts'

type Follower = { instruments: Set<string> | undefined; take: (ticks: Tick[], dropped: number) => void; end: () => void }

/** Who looks at ticks, and at which. The sessions are told the sum of it, and send nothing while nobody looks. */
export class TickTap {
  readonly #followers = new Set<Follower>()
  readonly #select: (instruments: string[] | undefined) => void

  constructor(select: (instruments: string[] | undefined) => void) {
    this.#select = select
  }

  /** Calls `take` with published ticks of these instruments (all where the list is empty) until the returned function is called. */
  follow(instruments: string[], take: Follower['take'], end: () => void): () => void {
    const follower: Follower = { instruments: instruments.length === 0 ? undefined : new Set(instruments), take, end }
    this.#followers.add(follower)
    this.repeat()
    return () => {
      if (this.#followers.delete(follower)) this.repeat()
    }
  }

  push(ticks: Tick[], dropped: number): void {
    for (const { instruments, take } of this.#followers)
      take(instruments === undefined ? ticks : ticks.filter(tick => instruments.has(tick.instrument)), dropped)
  }

  /** Tells the sessions again; a new one does not know. */
  repeat(): void {
    if (this.#followers.size === 0) {
      this.#select(undefined)
      return
    }
    const sets = [...this.#followers].map(follower => follower.instruments)
    this.#select(sets.includes(undefined) ? [] : [...new Set(sets.flatMap(set => [...(set ?? [])]))])
  }

  close(): void {
    for (const follower of this.#followers) follower.end()
    this.#followers.clear()
  }
}
