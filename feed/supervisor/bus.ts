import type { NatsConnection } from '@nats-io/transport-node'
import type { Desired } from '../../crds/contract/desired.ts'
import { BusConnection, type BusHandlers, type BusSecrets } from '../publish/connection.ts'

/** What is sent there is a request, and fails at who made it. */
const isAnswered = /^(\$JS|feedplane\.epoch)\./

/**
 * The supervisor's connection to the bus, shared by whatever in it needs one. Ticks have connections of their own, in the sessions, so nothing
 * here holds them up.
 */
export class Bus {
  readonly #connection: BusConnection
  readonly #users: BusHandlers[] = []
  #up: NatsConnection | undefined

  constructor(name: string, servers: string[], secrets: BusSecrets) {
    this.#connection = new BusConnection(name, servers, secrets, {
      up: connection => {
        this.#up = connection
        for (const user of this.#users) user.up(connection)
      },
      down: message => {
        this.#up = undefined
        for (const user of this.#users) user.down(message)
      },
      failed: (message, subject) => {
        if (subject !== undefined && isAnswered.test(subject)) return
        for (const user of this.#users) user.failed(message, subject)
      },
    })
  }

  /** Tells how the connection fares from here on, and at once where it is up. */
  join(user: BusHandlers): void {
    this.#users.push(user)
    if (this.#up !== undefined) user.up(this.#up)
  }

  /** While there is one. */
  get connection(): NatsConnection | undefined {
    return this.#up
  }

  close(): Promise<void> {
    return this.#connection.close()
  }
}

/** The bus that the feed publishes to; nothing where it publishes to none. */
export function openBus({ feed, launch }: Desired, secrets: BusSecrets): Bus | undefined {
  const { type, servers } = launch.publish
  return type === 'none' ? undefined : new Bus(`feedplane ${feed} supervisor`, servers, secrets)
}
