import type { NatsConnection } from '@nats-io/transport-node'
import type { Desired } from '../../crds/contract/desired.ts'
import { asFault } from '../../crds/contract/fault.ts'
import type { FeedReport } from '../../crds/contract/feedstatus.ts'
import type { BusHandlers } from '../publish/connection.ts'
import type { SessionEvent } from '../session/message.ts'
import { type Claim, type Claimant, type ClaimOutcome, claimEpoch, epochSubjectOf, holderIn, releaseEpoch } from './claim.ts'
import { Convergence } from './convergence.ts'
import { story } from './story.ts'

/**
 * So long a gate waits for the claim of its epoch before it opens without one: of the two seconds of ticks that a muted gate keeps, one is left
 * for the opening. A bus that does not answer must not keep a feed from publishing for ever.
 */
const claimWaitMs = 1000

/** Pause after a claim that failed on a connection that stays, such as for a missing right. */
const retryMs = 5000

export type FenceOptions = Claimant & {
  say: (event: SessionEvent) => void
  /** Told that the epoch is another process's: the gate is to be closed. */
  deposed: () => void
}

/**
 * This process's hold on its epoch, on the bus (`claim.ts`). It claims what it is asked to until that is known to be claimed or somebody else's, and
 * listens for claims of others, so that a process which was deposed while it was frozen or cut off learns of it as soon as it hears the bus again. What is
 * somebody else's stays so: it is not claimed again when the bus has lost its memory.
 */
export class Fence implements BusHandlers {
  readonly #options: FenceOptions
  readonly #convergence: Convergence
  #connection: NatsConnection | undefined
  #wanted: number | undefined
  #held: { epoch: number; state: 'claimed' | 'unfenced' } | undefined
  #rival: Claim | undefined
  #settled: (() => void) | undefined
  #trouble: string | undefined
  #isTroubleSaid = false
  #isAbsenceSaid = false

  constructor(options: FenceOptions) {
    this.#options = options
    this.#convergence = new Convergence(
      () => this.#pass(),
      error => this.#failed(asFault(error).message),
      retryMs,
    )
  }

  up(connection: NatsConnection): void {
    this.#connection = connection
    connection.subscribe(this.#options.subject, {
      callback: (error, message) => (error ? this.#deaf(error.message) : this.#heard(message.string())),
    })
    this.#convergence.ask()
  }

  down(): void {
    this.#connection = undefined
  }

  /** Nothing is sent that is not answered. */
  failed(): void {}

  /** Whether a gate may open in the epoch where none is open: claimed, not to be claimed, or not known in time. */
  async admits(epoch: number): Promise<boolean> {
    this.claim(epoch)
    if (!this.#isKnown(epoch)) await this.#knows()
    this.#sayTrouble()
    return this.deposedBy(epoch) === undefined
  }

  /** Claims the epoch of a gate that is open, behind its back: it is told where the epoch turns out to be another process's. */
  claim(epoch: number): void {
    if (this.#wanted === epoch) return
    this.#wanted = epoch
    this.#isTroubleSaid = false
    this.#convergence.ask()
  }

  /** Nothing is published here, so there is nothing to claim. */
  release(): void {
    this.#wanted = undefined
  }

  /** Who has claimed that epoch or a higher one, as far as is known here. */
  deposedBy(epoch: number): Claim | undefined {
    return this.#rival && this.#rival.epoch >= epoch ? this.#rival : undefined
  }

  status(): NonNullable<FeedReport['fence']> {
    const { holder } = this.#options
    const epoch = this.#wanted
    if (epoch === undefined) return { state: 'unclaimed', holder }
    const by = this.deposedBy(epoch)
    if (by !== undefined) {
      const { at: _since, ...rival } = by
      return { state: 'deposed', holder, by: rival }
    }
    if (this.#held?.epoch === epoch) return { state: this.#held.state, holder }
    return { state: 'unclaimed', holder, ...(this.#trouble === undefined ? {} : { message: this.#trouble }) }
  }

  /** Nothing is claimed any more. */
  async close(): Promise<void> {
    this.#settled?.()
    await this.#convergence.stop()
  }

  /**
   * After `close`, when the sessions have ended: leaves the epoch to whoever comes. One that a bus does not take in time stays claimed, as that of a
   * process which was killed.
   */
  async surrender(): Promise<void> {
    if (this.#connection === undefined || this.#held?.state !== 'claimed') return
    try {
      await releaseEpoch(this.#held.epoch, this.#options, this.#connection)
    } catch (error) {
      this.#options.say(story.unreleased(this.#held.epoch, asFault(error).message))
    }
  }

  #isKnown(epoch: number): boolean {
    return this.#held?.epoch === epoch || this.deposedBy(epoch) !== undefined
  }

  async #knows(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, claimWaitMs)
    this.#settled = resolve
    await promise
    this.#settled = undefined
    clearTimeout(timer)
  }

  async #pass(): Promise<void> {
    const epoch = this.#wanted
    if (epoch === undefined || this.deposedBy(epoch) !== undefined) return
    const outcome = await claimEpoch(epoch, this.#options, this.#connection)
    if (epoch === this.#wanted) this.#settle(epoch, outcome)
  }

  #settle(epoch: number, outcome: ClaimOutcome): void {
    this.#trouble = undefined
    if (outcome.state === 'deposed') this.#yield(epoch, outcome.by)
    else this.#hold(epoch, outcome.state)
    this.#settled?.()
  }

  #yield(epoch: number, by: Claim): void {
    this.#held = undefined
    this.#rival = by
    this.#options.say((by.released ? story.released : story.deposed)(epoch, by.holder, by.epoch))
    this.#options.deposed()
  }

  #hold(epoch: number, state: 'claimed' | 'unfenced'): void {
    this.#held = { epoch, state }
    if (state === 'claimed' && this.#isTroubleSaid) this.#options.say(story.claimed(epoch))
    if (state === 'unfenced' && !this.#isAbsenceSaid) this.#options.say(story.unfenced())
    this.#isAbsenceSaid ||= state === 'unfenced'
    this.#isTroubleSaid = false
  }

  // A claim is a hint: the server hands it on before the stream has taken or refused it.
  #heard(text: string): void {
    if (holderIn(text) !== this.#options.holder) this.#convergence.ask()
  }

  #deaf(message: string): void {
    this.#options.say(story.deaf(message))
  }

  #failed(message: string): void {
    this.#trouble = message
    if (this.#settled === undefined) this.#sayTrouble()
  }

  #sayTrouble(): void {
    const epoch = this.#wanted
    if (epoch === undefined || this.#isTroubleSaid || this.#isKnown(epoch)) return
    this.#isTroubleSaid = true
    this.#options.say(story.unclaimed(epoch, this.#trouble ?? 'the bus has not answered in time'))
  }
}

/** The fence of a feed on the bus that it publishes to; none where it publishes to none. */
export function fenceOf(
  { feed, launch }: Desired,
  holder: string,
  handlers: Omit<FenceOptions, keyof Claimant>,
): Fence | undefined {
  const { type, subjectPrefix } = launch.publish
  return type === 'none' ? undefined : new Fence({ subject: epochSubjectOf(subjectPrefix, feed), holder, ...handlers })
}
