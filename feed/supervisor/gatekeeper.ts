import type { Account, Live } from '../../crds/contract/desired.ts'
import type { SessionEvent } from '../session/message.ts'
import type { SessionChild } from './child.ts'
import type { Failovers } from './failovers.ts'
import type { Fence } from './fence.ts'
import { closeOrFence, openOrFence } from './flip.ts'
import type { Ledger } from './ledger.ts'
import { story } from './story.ts'

/** Whose gate is open, and since when (ms since 1970). */
export type OpenGate = { account: Account; epoch: number; since: number }

/** Where the gate shall be, and who ordered that. */
export type GateWanted = { role: Live['role']; account: Account; epoch: number; why: string }

export type GatekeeperOptions = {
  children: ReadonlyMap<Account, SessionChild>
  wanted: () => GateWanted
  ledger: Ledger
  failovers: Failovers
  /** None where nothing is published to a bus. */
  fence: Fence | undefined
  say: (event: SessionEvent) => void
  /** Asks for another pass. */
  ask: () => void
}

/** Opens, closes and moves the gate, so that at most one is open: what publishes is closed, or killed, before another opens. */
export class Gatekeeper {
  readonly #options: GatekeeperOptions
  #open: OpenGate | undefined
  #pendingSaid = ''
  /** Whose process died with its gate open, until another gate opens. */
  #fallen: Account | undefined

  constructor(options: GatekeeperOptions) {
    this.#options = options
  }

  get open(): OpenGate | undefined {
    return this.#open
  }

  /** Does the next thing that brings the gate to where it shall be. Throws where a session does not open it. */
  async converge(): Promise<void> {
    const wanted = this.#options.wanted()
    const { fence } = this.#options
    if (wanted.role === 'standby') return this.#mute()
    if (fence?.deposedBy(wanted.epoch) !== undefined) return this.#yield()
    const child = this.#options.children.get(wanted.account)
    // A process that has not spoken yet would miss the deadline for opening on a busy machine, and be killed for it.
    if (child?.report === undefined || !child.isUp) return
    const from = this.#open?.account ?? this.#fallen ?? wanted.account
    if (from === wanted.account) await this.#settle(wanted, child)
    else if (this.#open === undefined) await this.#succeed(from, wanted, child)
    else if (this.#mayFlip(from, child)) await this.#flip(from, wanted, child)
    else this.#sayPending(from, wanted)
  }

  async #mute(): Promise<void> {
    this.#options.fence?.release()
    this.#fallen = undefined
    await this.close()
  }

  async close(isDeposed = false): Promise<void> {
    const { children, ledger } = this.#options
    const child = this.#open && children.get(this.#open.account)
    if (child === undefined) return
    ledger.take(await closeOrFence(child, ledger.position, isDeposed))
    this.#open = undefined
  }

  /** The account's process is gone, and its gate with it; `unasked` where nobody ended it. Answers whether its gate was open. */
  gone(account: Account, unasked: boolean): boolean {
    if (this.#open?.account !== account) return false
    this.#open = undefined
    this.#options.ledger.lost()
    if (unasked) this.#fallen = account
    return true
  }

  // Another process goes on from where it stood itself: what it has published since, nobody knows here.
  async #yield(): Promise<void> {
    this.#fallen = undefined
    if (this.#open === undefined) return
    await this.close(true)
    this.#options.ledger.lost()
  }

  async #settle(wanted: GateWanted, child: SessionChild): Promise<void> {
    if (this.#open?.epoch !== wanted.epoch) await this.#openGate(wanted, child, 'Restart')
  }

  // What is on disk says from here on that more may have been published than it names.
  async #openGate({ account, epoch }: GateWanted, child: SessionChild, reason: 'Flip' | 'Restart'): Promise<void> {
    const { ledger, say } = this.#options
    if (!(await this.#mayOpen(epoch, reason))) return
    await openOrFence(child, { epoch, position: ledger.position, reason })
    const since = this.#open?.account === account ? this.#open.since : Date.now()
    this.#open = { account, epoch, since }
    this.#fallen = undefined
    ledger.opened()
    say({ type: 'Normal', reason: 'GateOpened', message: 'an account publishes', fields: { account, epoch } })
  }

  // A gate that moves within this process does not wait for its claim; one that opens anew does, and meanwhile something else may be wanted.
  async #mayOpen(epoch: number, reason: 'Flip' | 'Restart'): Promise<boolean> {
    const { fence, wanted } = this.#options
    if (fence === undefined) return true
    if (reason === 'Restart' && this.#open === undefined) return (await fence.admits(epoch)) && wanted().epoch === epoch
    fence.claim(epoch)
    return true
  }

  // Ticks go on from the old account until the new one is live; where the old one is not live either, nothing is lost by flipping.
  #mayFlip(from: Account, to: SessionChild): boolean {
    return to.report?.status.state === 'live' || this.#options.children.get(from)?.report?.status.state !== 'live'
  }

  async #flip(from: Account, wanted: GateWanted, child: SessionChild): Promise<void> {
    this.#pendingSaid = ''
    await this.close()
    await this.#succeed(from, wanted, child)
    this.#options.ask()
  }

  // The old gate is closed, by its session or with it.
  async #succeed(from: Account, wanted: GateWanted, child: SessionChild): Promise<void> {
    const { failovers, say } = this.#options
    failovers.begin(from, wanted.account, wanted.epoch, wanted.why)
    failovers.closed()
    await this.#openGate(wanted, child, 'Flip')
    const record = failovers.opened()
    if (record !== undefined) say(story.failedOver(record))
  }

  #sayPending(from: Account, { account: to, epoch }: GateWanted): void {
    const said = `${from} ${to} ${epoch}`
    if (this.#pendingSaid === said) return
    this.#pendingSaid = said
    this.#options.say(story.pending(from, to))
  }
}
