import type { Depth } from './depth.ts'
import type { FrontError, Gateway, GatewayHandlers } from './gateway.ts'

export type Witnessed =
  | { type: 'connected'; front: string }
  | { type: 'disconnected'; reason: number }
  | { type: 'loggedIn'; tradingDay: string }
  | { type: 'loginFailed'; error: FrontError }
  | { type: 'subscribed'; instrument: string; error?: FrontError | undefined }
  | { type: 'unsubscribed'; instrument: string; error?: FrontError | undefined }
  | { type: 'depth'; depth: Depth; receivedAt: number }
  | { type: 'failed'; error: FrontError }
  | { type: 'restarted'; lap: number }

type Of<T extends Witnessed['type']> = Extract<Witnessed, { type: T }>

/** Opens a gateway and keeps every event in order, for tests to wait for and to look at. */
export class Witness {
  readonly events: Witnessed[] = []
  #waiting: (() => void)[] = []

  constructor(gateway: Gateway) {
    const handlers: Required<GatewayHandlers> = {
      connected: front => this.#add({ type: 'connected', front }),
      disconnected: reason => this.#add({ type: 'disconnected', reason }),
      loggedIn: ({ tradingDay }) => this.#add({ type: 'loggedIn', tradingDay }),
      loginFailed: error => this.#add({ type: 'loginFailed', error }),
      subscribed: (instrument, error) => this.#add({ type: 'subscribed', instrument, error }),
      unsubscribed: (instrument, error) => this.#add({ type: 'unsubscribed', instrument, error }),
      depth: (depth, receivedAt) => this.#add({ type: 'depth', depth: structuredClone(depth), receivedAt }),
      failed: error => this.#add({ type: 'failed', error }),
      restarted: lap => this.#add({ type: 'restarted', lap }),
    }
    gateway.open(handlers)
  }

  all<T extends Witnessed['type']>(type: T): Of<T>[] {
    return this.events.filter((event): event is Of<T> => event.type === type)
  }

  ticksOf(instrument: string): Depth[] {
    return this.all('depth').flatMap(({ depth }) => (depth.InstrumentID === instrument ? [depth] : []))
  }

  /** The `count`th event of a type, once it is there. */
  async nth<T extends Witnessed['type']>(type: T, count = 1): Promise<Of<T>> {
    for (;;) {
      const event = this.all(type)[count - 1]
      if (event !== undefined) return event
      await this.#more()
    }
  }

  /** Resolves when the condition holds; it is asked again after every event. */
  async until(holds: (witness: Witness) => boolean): Promise<void> {
    while (!holds(this)) await this.#more()
  }

  #more(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  #add(event: Witnessed): void {
    this.events.push(event)
    for (const wake of this.#waiting.splice(0)) wake()
  }
}
