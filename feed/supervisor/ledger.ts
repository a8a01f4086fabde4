import { emptyPosition, joined, type Position } from '../session/position.ts'
import type { StateDirectory } from './state.ts'

/** Every so many checkpoints (2 s each) the position goes to disk. */
const checkpointsPerSave = 5

/** Where publishing stands as far as the supervisor knows, over flips, crashes and restarts. */
export class Ledger {
  readonly #state: StateDirectory
  readonly #failed: (error: unknown) => void
  #position: Position
  #checkpoints = 0
  /** Whoever reads the disk takes it that nothing was published after that; as it is where nothing lies there. */
  #isExactOnDisk: boolean

  /** `failed` is called where the position cannot be written: that costs it after the next restart, and is no reason to end the ticks. */
  constructor(state: StateDirectory, saved: Position | undefined, failed: (error: unknown) => void) {
    this.#state = state
    this.#failed = failed
    this.#position = saved ?? emptyPosition(Date.now())
    this.#isExactOnDisk = this.#position.exact
  }

  get position(): Position {
    return this.#position
  }

  /** A gate closed, or a session told where it stands. */
  take(position: Position): void {
    this.#position = joined(this.#position, position)
  }

  /** A checkpoint of the session whose gate is open. */
  keep(checkpoint: Position): void {
    this.take(checkpoint)
    this.#checkpoints++
    if (this.#checkpoints % checkpointsPerSave === 0) this.save()
  }

  /**
   * A gate opened: from here on more may have been published than the position names, also for whoever reads the disk. After a flip the disk says so already,
   * and a megabyte need not be written just when the new account has most to do.
   */
  opened(): void {
    this.lost()
    if (this.#isExactOnDisk) this.save()
  }

  /** The session whose gate was open took its position with it. */
  lost(): void {
    this.#position = { ...this.#position, exact: false }
  }

  save(): void {
    try {
      this.#state.savePosition(this.#position)
      this.#isExactOnDisk = this.#position.exact
    } catch (error) {
      this.#failed(error)
    }
  }
}
