import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream'
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node'
import { Fault } from '../../crds/contract/fault.ts'
import type { Tick } from '../../crds/contract/tick.ts'
import { wallClock } from '../wallclock.ts'
import type { LossReason } from './gapledger.ts'
import { Replies } from './replies.ts'
import type { Parcel, Sender, SenderHandlers } from './sender.ts'
import type { Stream } from './stream.ts'
import { put } from './wire.ts'

/** About 3 MB of ticks on their way. */
const maxOutstanding = 4096
const ackTimeoutMs = 2000
const refusedRetryMs = 1000
/** A parcel that the server has refused for so long is given up, so that it does not hold its instrument for ever. */
const giveUpAfterMs = 10_000
/** A server that has refused all for so long takes no ticks: about as long as a lost connection takes to be noticed. */
const refusesAllAfterMs = 3000
const beatMs = 200
const streamRetryMs = 2000
const lookupsAtOnce = 32

/** `unknownSince`: when it was first sent without an answer, on the clock of `performance.now`. */
type Outstanding = { parcel: Parcel; unknownSince: number; dueAt: number; refusedSince: number | undefined; isResent: boolean }

/**
 * JetStream, at least once on the wire and once in the stream: every parcel waits for its acknowledgement, and is sent again under the same
 * message id when that stays away. Acknowledgements come to one inbox and are matched by number; a promise for each, as
 * `js.publish` has it, reaches 18,000 a second where this reaches 65,000 (docs/concepts/publishing.md).
 */
export class JetStreamSender implements Sender {
  readonly #feed: string
  readonly #handlers: SenderHandlers
  readonly #prepare: (connection: NatsConnection) => Promise<Stream>
  readonly #replies = new Replies()
  /** By the number of its reply. */
  readonly #outstanding: (Outstanding | undefined)[] = []
  #outstandingCount = 0
  /** Of those that are outstanding. */
  #refusedCount = 0
  /** Since when the server has taken none, on the clock of `performance.now`; `undefined` where it takes them. */
  #refusingSince: number | undefined
  #isRefusalSaid = false
  #answers: Subscription | undefined
  #connection: NatsConnection | undefined
  #stream: Stream | undefined
  #isReady = false
  #isPreparing = false
  #resent = 0
  #beat: NodeJS.Timeout | undefined

  /** `feed` as in its ticks: another one may publish the same instruments under the same prefix. */
  constructor(feed: string, prepare: (connection: NatsConnection) => Promise<Stream>, handlers: SenderHandlers) {
    this.#feed = feed
    this.#prepare = prepare
    this.#handlers = handlers
  }

  isReady = (): boolean => this.#isReady && !this.#refusesAll()
  hasRoom = (): boolean => this.#isReady && this.#outstandingCount < maxOutstanding
  outstanding = (): number => this.#outstandingCount
  resent = (): number => this.#resent

  send(parcel: Parcel): void {
    const number = this.#replies.take()
    const now = performance.now()
    const outstanding = { parcel, unknownSince: now, dueAt: now + ackTimeoutMs, refusedSince: undefined, isResent: false }
    this.#outstanding[number] = outstanding
    this.#outstandingCount++
    this.#put(number, outstanding)
  }

  attach(connection: NatsConnection): void {
    this.#connection = connection
    this.#answers = undefined
    void this.#open()
  }

  detach(): void {
    clearInterval(this.#beat)
    this.#connection = undefined
    this.#isReady = false
  }

  /** The server answers each parcel without being asked. */
  confirm(): void {}

  abandon(): Parcel[] {
    const entries = this.#entries()
    for (const [number] of entries) this.#forget(number)
    return entries.map(([, { parcel }]) => parcel)
  }

  /** Tries until the stream is there or the connection gone. */
  async #open(): Promise<void> {
    if (this.#isPreparing) return
    this.#isPreparing = true
    this.#isReady = false
    while (this.#connection !== undefined && !this.#isReady) await this.#tryToOpen(this.#connection)
    this.#isPreparing = false
  }

  async #tryToOpen(connection: NatsConnection): Promise<void> {
    try {
      const stream = await this.#prepare(connection)
      this.#listen(connection)
      await this.#sendAgain(connection, stream, this.#entries())
      if (this.#connection === connection) this.#resume(stream)
    } catch (error) {
      if (this.#connection !== connection) return
      this.#handlers.changed(wordsOf(error))
      await new Promise(resolve => setTimeout(resolve, streamRetryMs).unref())
    }
  }

  // Answers that a stream owed when it went away never come: their subjects go with the inbox.
  #listen(connection: NatsConnection): void {
    this.#answers?.unsubscribe()
    this.#replies.renew()
    this.#answers = connection.subscribe(this.#replies.subject, { callback: (_error, message) => this.#answered(message) })
  }

  #resume(stream: Stream): void {
    this.#stream = stream
    this.#isReady = true
    this.#refusingSince = undefined
    this.#isRefusalSaid = false
    clearInterval(this.#beat)
    this.#beat = setInterval(() => this.#sendOverdue(), beatMs)
    this.#handlers.changed(undefined)
    this.#handlers.roomy()
  }

  #sendOverdue(): void {
    const now = performance.now()
    const overdue = this.#entries(({ dueAt }) => dueAt <= now)
    if (overdue.length === 0 || !this.#isReady || this.#connection === undefined || this.#stream === undefined) return
    for (const [, outstanding] of overdue) outstanding.dueAt = now + ackTimeoutMs
    // Where the stream does not answer, they are due again later.
    this.#sendAgain(this.#connection, this.#stream, overdue).catch(() => {})
    this.#reopenIfGone(this.#stream)
  }

  // Where a plain subscriber takes the subjects, messages to a deleted stream are not answered with `no responders`, but not at all.
  #reopenIfGone({ name, manager }: Stream): void {
    manager.streams.info(name).catch(error => {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) void this.#open()
    })
  }

  /**
   * Sends again, under the same ids, what the server may not have. It recognises an id only within its window, so those that
   * went unanswered for half of it are first looked for in the stream, by the last tick of their subject.
   */
  async #sendAgain(connection: NatsConnection, stream: Stream, entries: [number, Outstanding][]): Promise<void> {
    const oldestMs = performance.now() - stream.duplicateWindowMs / 2
    const old = entries.filter(([, { parcel, unknownSince }]) => unknownSince < oldestMs && parcel.queued !== undefined)
    const stored = await this.#storedAmong(stream, old)
    if (this.#connection !== connection) return
    // Where answers came meanwhile, their numbers may stand for other parcels by now.
    const isOut = ([number, outstanding]: [number, Outstanding]) => this.#outstanding[number] === outstanding
    for (const [number] of stored.filter(isOut)) this.#settle(number)
    for (const [number, outstanding] of entries.filter(isOut)) this.#resend(number, outstanding)
  }

  async #storedAmong(stream: Stream, entries: [number, Outstanding][]): Promise<[number, Outstanding][]> {
    const stored: [number, Outstanding][] = []
    const next = entries.values()
    const look = async () => {
      for (const entry of next) if (await isStored(stream, this.#feed, entry[1].parcel)) stored.push(entry)
    }
    await Promise.all(Array.from({ length: lookupsAtOnce }, look))
    return stored
  }

  #put(number: number, outstanding: Outstanding): void {
    const { parcel } = outstanding
    if (this.#connection === undefined) return
    const reply = this.#replies.expect(number)
    const refusal = put(this.#connection, parcel, reply)
    if (refusal === undefined) return
    this.#replies.answered(reply)
    this.#refused(number, outstanding, refusal)
  }

  #resend(number: number, outstanding: Outstanding): void {
    outstanding.dueAt = performance.now() + ackTimeoutMs
    outstanding.isResent = true
    this.#resent++
    this.#put(number, outstanding)
  }

  #answered(message: Msg): void {
    const number = this.#replies.answered(message.subject)
    const outstanding = this.#outstanding[number]
    if (outstanding === undefined) return
    if (isPlainlyStored(message.data)) this.#settle(number)
    else this.#judge(number, outstanding, message)
  }

  #judge(number: number, outstanding: Outstanding, message: Msg): void {
    const text = message.string()
    const refusal = refusalOf(message, text)
    if (refusal !== undefined) this.#refused(number, outstanding, refusal)
    else if (isSwallowed(text, outstanding)) this.#lose(number, outstanding, 'DuplicateId')
    else this.#settle(number)
  }

  #settle(number: number): void {
    const outstanding = this.#outstanding[number]
    if (outstanding === undefined) return
    this.#forget(number)
    this.#taken()
    this.#handlers.delivered(outstanding.parcel, wallClock())
    this.#handlers.confirmed(outstanding.parcel)
    this.#handlers.roomy()
  }

  // What was refused and then given up is never taken: the trouble ends with the first that is taken when none is refused any more.
  #taken(): void {
    this.#refusingSince = undefined
    if (!this.#isRefusalSaid || this.#refusedCount > 0) return
    this.#isRefusalSaid = false
    this.#handlers.changed(undefined)
  }

  #refusesAll(): boolean {
    return this.#refusingSince !== undefined && performance.now() - this.#refusingSince >= refusesAllAfterMs
  }

  #refused(number: number, outstanding: Outstanding, refusal: string): void {
    const now = performance.now()
    if (outstanding.refusedSince === undefined) {
      this.#refusedCount++
      keepAlone(outstanding.parcel)
    }
    outstanding.refusedSince ??= now
    this.#refusingSince ??= now
    this.#isRefusalSaid = true
    outstanding.dueAt = now + refusedRetryMs
    outstanding.unknownSince = outstanding.dueAt
    this.#handlers.changed(refusal)
    if (refusal === noStream) void this.#open()
    if (now - outstanding.refusedSince < giveUpAfterMs) return
    this.#lose(number, outstanding, 'BusRefused')
  }

  #lose(number: number, { parcel }: Outstanding, reason: LossReason): void {
    this.#forget(number)
    this.#handlers.lost(parcel, reason)
    this.#handlers.roomy()
  }

  #entries(holds: (outstanding: Outstanding) => boolean = () => true): [number, Outstanding][] {
    const entries: [number, Outstanding][] = []
    for (const [number, outstanding] of this.#outstanding.entries())
      if (outstanding !== undefined && holds(outstanding)) entries.push([number, outstanding])
    return entries
  }

  #forget(number: number): void {
    if (this.#outstanding[number]?.refusedSince !== undefined) this.#refusedCount--
    this.#outstanding[number] = undefined
    this.#outstandingCount--
    this.#replies.release(number)
  }
}

/** A reason of ours goes before its words: it can be looked up. */
function wordsOf(error: unknown): string {
  if (error instanceof Fault) return `${error.reason}: ${error.message}`
  return error instanceof Error ? error.message : String(error)
}

const noStream = 'no stream captures the subject'

const zero = 48
const answerStart = Buffer.from('{"stream"')

/**
 * Whether an answer ends with the tick's number, as nearly all do: `{"stream":"TICKS","seq":17}`. Errors stand in front of the stream,
 * `duplicate` and `domain` behind the number. Saves the text of each answer.
 */
function isPlainlyStored(answer: Uint8Array): boolean {
  const last = answer[answer.length - 2] ?? 0
  return last >= zero && last <= zero + 9 && answerStart.equals(answer.subarray(0, answerStart.length))
}

/** Why the server did not store a message; `undefined` where it did, now or before. */
function refusalOf(message: Msg, text: string): string | undefined {
  if (message.headers?.code === 503) return noStream
  if (!text.includes('"error"')) return undefined
  const answer = JSON.parse(text) as { stream?: string; error?: { description?: string } }
  return `stream ${answer.stream ?? ''} refuses messages: ${answer.error?.description ?? text}`
}

/** Known to the server by its id although we sent it once: its sequence is not in the stream, and consumers must learn why. */
function isSwallowed(text: string, { isResent, parcel }: Outstanding): boolean {
  return !isResent && parcel.queued !== undefined && text.includes('"duplicate"') && /"duplicate":\s*true/.test(text)
}

/** What waits for seconds would keep the slab that it was written into, with the 300 ticks beside it. */
function keepAlone(parcel: Parcel): void {
  parcel.header = parcel.header.slice()
  parcel.payload = parcel.payload.slice()
}

async function isStored({ name, manager }: Stream, feed: string, { subject, queued }: Parcel): Promise<boolean> {
  const last = await manager.streams.getMessage(name, { last_by_subj: subject })
  if (last === null || queued === undefined) return false
  const tick = last.json<Tick>()
  if (tick.feed !== feed) return false
  return tick.epoch > queued.epoch || (tick.epoch === queued.epoch && tick.sequence >= queued.sequence)
}
