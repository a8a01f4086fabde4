/**
 * How much may be done in one turn of the event loop. What a turn leaves undone is done in the next: `renewed` is called in each turn that follows
 * one in which something was done.
 */
export class Turn {
  readonly #most: number
  readonly #renewed: () => void
  #left: number
  #next: NodeJS.Immediate | undefined

  constructor(most: number, renewed: () => void) {
    this.#most = most
    this.#left = most
    this.#renewed = renewed
  }

  get hasLeft(): boolean {
    return this.#left > 0
  }

  spend(): void {
    this.#left--
    this.#next ??= setImmediate(() => this.#renew())
  }

  end(): void {
    clearImmediate(this.#next)
  }

  #renew(): void {
    this.#next = undefined
    this.#left = this.#most
    this.#renewed()
  }
}
