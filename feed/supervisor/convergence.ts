import { setTimeout as delay } from 'node:timers/promises'

/** Pause after a pass that failed, where no other is asked for. */
const defaultRetryMs = 500

/** Runs passes one at a time; what is asked for meanwhile leads to one more, and a pass that fails to another a little later. */
export class Convergence {
  readonly #pass: () => Promise<void>
  readonly #failed: (error: unknown) => void
  readonly #retryMs: number
  #isRunning = false
  #isDirty = false
  #isStopped = false
  #waiters: (() => void)[] = []

  constructor(pass: () => Promise<void>, failed: (error: unknown) => void, retryMs = defaultRetryMs) {
    this.#pass = pass
    this.#failed = failed
    this.#retryMs = retryMs
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Asks for a pass. */
  ask(): void {
    this.#isDirty = true
    if (!this.#isRunning && !this.#isStopped) void this.#run()
  }

  /** Asks for a pass, and resolves when it is over, whether it worked or not. */
  done(): Promise<void> {
    const done = new Promise<void>(resolve => this.#waiters.push(resolve))
    this.ask()
    return done
  }

  /** Lets the present pass end, and begins no other. */
  async stop(): Promise<void> {
    this.#isStopped = true
    while (this.#isRunning) await delay(5)
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#isDirty && !this.#isStopped) {
      this.#isDirty = false
      const waiters = this.#waiters
      this.#waiters = []
      await this.#pass().catch(error => this.#retry(error))
      for (const done of waiters) done()
    }
    this.#isRunning = false
  }

  #retry(error: unknown): void {
    this.#failed(error)
    setTimeout(() => this.ask(), this.#retryMs).unref()
  }
}
