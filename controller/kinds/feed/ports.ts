import type { Desired } from '../../../crds/contract/desired.ts'
import type { FeedEvent, FeedReport } from '../../../crds/contract/feedstatus.ts'
import type { LoginRetry } from '../../../crds/contract/loginretry.ts'
import type { RetryRequest } from '../../../crds/contract/subscriptions.ts'
import type { Catalogues } from '../../consistency/catalogue.ts'
import type { Dial } from '../../dial.ts'
import type { ImagePuller } from '../../engines/puller.ts'
import type { EngineRegistry } from '../../engines/registry.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { SecretReader } from '../../secrets/secret.ts'
import type { Problem } from '../../sources/problem.ts'
import type { DeclaredStore } from '../../store/declared.ts'
import type { Store } from '../../store/store.ts'

/** A feed's control API. Throws a transient Fault `FeedUnreachable`, or `FeedRefused` where the feed says no. */
export type FeedClient = {
  report(endpoint: string, token: string, signal: AbortSignal): Promise<FeedReport>
  /** Events after that number, oldest first, as many as the feed keeps. */
  events(endpoint: string, token: string, after: number, signal: AbortSignal): Promise<FeedEvent[]>
  /** `knownInstruments`: the digest of those that the feed has reported. Where they are the same, they need not be sent. */
  push(
    endpoint: string,
    token: string,
    desired: Desired,
    knownInstruments: string | undefined,
    signal: AbortSignal,
  ): Promise<void>
  /** Where publishing stands, as text that only another feed reads; `undefined` of a feed that is too old to know. */
  position(endpoint: string, token: string, signal: AbortSignal): Promise<string | undefined>
  /** Has a muted feed go on from there. */
  takePosition(endpoint: string, token: string, position: string, signal: AbortSignal): Promise<void>
  resubscribe(endpoint: string, token: string, request: RetryRequest, signal: AbortSignal): Promise<void>
  retryLogins(endpoint: string, token: string, request: LoginRetry, signal: AbortSignal): Promise<void>
}

/** What a look reads. `declared` is the store's, or an overlay of it for a plan that nobody carries out. */
export type ReadPorts = {
  clock: Clock
  store: Store
  declared: Pick<DeclaredStore, 'get'>
  engines: EngineRegistry
  images: ImagePuller
  secrets: SecretReader
  feeds: FeedClient
  dial: Dial
  catalogues: (names: string[]) => Promise<Catalogues>
  /** Problems of the files and between the objects, as of the newest read. */
  problems: () => Problem[]
  /** Told of each point at which a controller that dies leaves a rollout, for tests that make it die there; the look waits for it. */
  reached?: (key: string, point: string) => void | Promise<void>
}

/** Token of a feed's control API. Derived, so that it is stored nowhere but with the feed. */
export type TokenOf = (key: string) => string
