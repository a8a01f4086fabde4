import type { Depth } from './depth.ts'

/**
 * A connection to one front for one account. The session drives every gateway the same way: it opens, logs in when connected,
 * subscribes when logged in, and replays both after each reconnect. `gateway.conformance.ts` holds all gateways to this.
 *
 * A gateway reconnects by itself until it is closed, and never logs in or subscribes by itself. Handlers are called from the event
 * loop, never from inside a request. After `close` resolves no handler is called.
 */
export type Gateway = {
  /** Starts connecting. Handlers are in place before the first event. Called once. */
  open(handlers: GatewayHandlers): void
  /** Sends a login. The answer comes to `loggedIn` or `loginFailed`. */
  login(secrets: AccountSecrets): SendResult
  /** Sends one subscription request. Each instrument is answered by `subscribed`, with an error where it was refused. */
  subscribe(instruments: string[]): SendResult
  unsubscribe(instruments: string[]): SendResult
  close(): Promise<void>
}

/** CTP's return codes: 0 sent, -1 not connected, -2 too many requests pending, -3 too many requests this second. */
export type SendResult = 0 | -1 | -2 | -3

/** CTP's RspInfo. Ids that matter: 3 invalid login, 16 instrument not found, 60 session limit, 75 locked, 140 must change password. */
export type FrontError = { ErrorID: number; ErrorMsg: string }

export type GatewayHandlers = {
  connected(front: string): void
  /** `reason` as CTP has it: 0x1001 read, 0x1002 write, 0x2001 heartbeat timeout, 0x2002 heartbeat send, 0x2003 bad packet. */
  disconnected(reason: number): void
  loggedIn(answer: { tradingDay: string }): void
  loginFailed(error: FrontError): void
  subscribed(instrument: string, error?: FrontError): void
  unsubscribed(instrument: string, error?: FrontError): void
  /**
   * `receivedAt` in ms since 1970 with microsecond decimals. As with CTP's own callbacks, the depth belongs to the gateway and holds
   * until the handler returns.
   */
  depth(depth: Depth, receivedAt: number): void
  /** An error that belongs to no request. */
  failed(error: FrontError): void
  /**
   * Replay only: round number `lap` of the recording begins, at the login and at each new start. Times and volumes go back, and
   * every subscribed instrument is pushed as a snapshot next. `lap` is the same in every process at the same moment, so it can tell
   * this round's ticks from the last one's.
   */
  restarted?(lap: number): void
}

/** Secrets of one account, by the keys of the credential files. */
export type AccountSecrets = {
  BROKER_ID: string
  USER_ID: string
  PASSWORD: string
  APP_ID?: string
  AUTH_CODE?: string
  MD_ADDRESS?: string
}
