import { isDeepStrictEqual } from 'node:util'
import { asFault, type Fault, waiting } from '../../../crds/contract/fault.ts'
import type { VaultSource } from '../../../crds/credentials.ts'
import { backoffMs } from '../../runtime/backoff.ts'
import type { Clock } from '../../runtime/clock.ts'
import { type Lease, leaseOf, ownLeaseOf } from './answer.ts'
import { type Asked, refusalOf } from './fault.ts'
import { callVault, type VaultAnswer, type VaultCall, type VaultEndpoint } from './request.ts'

/** Share of a lease after which it is renewed: there is time for some tries before it ends. */
const renewAfter = 2 / 3

/** A lease is looked after once a day, however long it lasts: a timer holds 24 days at the most. */
const longestMs = 24 * 3_600_000

/** What is left of a lease near its longest life is not worth another renewal, in ms. */
const shortestMs = 2000

/** Between logins that fail, in ms. Vault locks a role for a while after five that it refused. */
const pauses = { unreachable: { firstMs: 1000, ceilingMs: 30_000 }, refused: { firstMs: 10_000, ceilingMs: 300_000 } }

/** What a login rests on: the content of the files that `auth` names. */
export type Proof = { token: string } | { role_id: string; secret_id: string }

export type LoginOptions = {
  auth: VaultSource['auth']
  /** Where the Vault is; the private CA is read anew for each call, as it may have been replaced. */
  endpoint: () => VaultEndpoint
  /** Reads the files; throws a Fault where they are not there. */
  readProof: () => Proof
  clock: Clock
  random: () => number
  signal: AbortSignal
}

/**
 * One login at a Vault, shared by all that log in there the same way. It is renewed before it ends, and made anew where it cannot be. Leases
 * are kept by timers, which run on the monotonic clock: setting the machine's clock neither ends nor prolongs one.
 */
export class VaultLogin {
  readonly #options: LoginOptions
  #lease: Lease | undefined
  #endsAt: number | undefined
  #proof: Proof | undefined
  #underWay: Promise<Lease> | undefined
  #cooling: { fault: Fault; proof: Proof | undefined } | undefined
  #failures = 0
  #closed = false
  #cancels: (() => void)[] = []

  constructor(options: LoginOptions) {
    this.#options = options
  }

  /** When the token ends, in ms since 1970; `undefined` where it is prolonged or replaced by itself, has no end, or none that is known. */
  get endsAt(): number | undefined {
    return this.#endsAt
  }

  /** The token in force; logs in where there is none. After a failure it fails the same way for a while, unless the files have changed. */
  async token(): Promise<string> {
    if (this.#lease && !this.#isReplaced()) return this.#lease.token
    this.#underWay ??= this.#logIn().finally(() => {
      this.#underWay = undefined
    })
    return (await this.#underWay).token
  }

  /** Another token than this one, which Vault has refused; the same one where there is no other. */
  async replace(refused: string): Promise<string> {
    if (this.#options.auth.appRole !== undefined && this.#lease?.token === refused) this.#drop()
    return this.token()
  }

  /** A login that is under way yet is not kept. */
  close(): void {
    this.#closed = true
    this.#drop()
  }

  /** A token of somebody else's is replaced by replacing its file; while that is not there, the old one is as good as it was. */
  #isReplaced(): boolean {
    if (this.#options.auth.token === undefined) return false
    try {
      return !isDeepStrictEqual(this.#options.readProof(), this.#proof)
    } catch {
      return false
    }
  }

  async #logIn(): Promise<Lease> {
    const proof = this.#options.readProof()
    if (this.#cooling && isDeepStrictEqual(this.#cooling.proof, proof)) throw this.#cooling.fault
    this.#cooling = undefined
    try {
      const lease = 'token' in proof ? await this.#adopt(proof) : await this.#present(proof)
      this.#failures = 0
      this.#proof = proof
      this.#hold(lease)
      return lease
    } catch (error) {
      this.#cool(asFault(error), proof)
      throw error
    }
  }

  /** A policy need not let a token ask about itself; what it is good for then shows when it is used. */
  async #adopt({ token }: { token: string }): Promise<Lease> {
    const what = 'look its token up'
    const answer = await this.#call({ method: 'GET', path: 'auth/token/lookup-self', token })
    if (answer.status === 403) return { token, ttlS: 0, isRenewable: false }
    if (answer.status !== 200) throw refusalOf(answer, this.#asked(what))
    return ownLeaseOf(answer, token, this.#asked(what))
  }

  async #present(body: Proof): Promise<Lease> {
    const { auth } = this.#options
    const what = 'log in with AppRole'
    const answer = await this.#call({ method: 'POST', path: `auth/${auth.appRole?.mount}/login`, body })
    if (answer.status === 200) return leaseOf(answer, this.#asked(what))
    if (![400, 403, 404].includes(answer.status)) throw refusalOf(answer, this.#asked(what))
    const { address } = this.#asked(what)
    const files = `${auth.appRole?.roleIdFile} and ${auth.appRole?.secretIdFile}`
    throw waiting(
      'VaultLoginRefused',
      `Vault at ${address} refuses the AppRole login at auth/${auth.appRole?.mount} (HTTP ${answer.status}): issue another secret id, or correct ${files}`,
    )
  }

  /** A renewal that gives less than the lease before it is near the longest life of its token. */
  #hold(lease: Lease, before?: Lease): void {
    this.#drop()
    if (this.#closed) return
    this.#lease = lease
    const { clock } = this.#options
    const ttlMs = lease.ttlS * 1000
    if (ttlMs === 0) return
    if (!lease.isRenewable || (before && lease.ttlS < before.ttlS - 1)) this.#tellEnd(ttlMs)
    if (ttlMs <= longestMs) this.#cancels.push(clock.after(ttlMs, () => this.#drop()))
    this.#renewLater(lease, ttlMs)
  }

  /** `leftMs` is what is left of the lease. */
  #renewLater(lease: Lease, leftMs: number): void {
    const renewMs = Math.min(longestMs, leftMs * renewAfter)
    if (renewMs >= shortestMs)
      this.#cancels.push(this.#options.clock.after(renewMs, () => void this.#prolong(lease, leftMs - renewMs)))
  }

  /** What fails here for good shows when the token is asked for next: the login is then made anew. */
  async #prolong(lease: Lease, leftMs: number): Promise<void> {
    const renewed = lease.isRenewable ? await this.#renew(lease) : 'refused'
    if (this.#lease !== lease) return
    if (renewed === 'refused' || renewed === 'unanswered') this.#tellEnd(leftMs)
    if (renewed === 'unanswered') this.#renewLater(lease, leftMs)
    else if (renewed !== 'refused') this.#hold(renewed, lease)
    else if (this.#options.auth.appRole) {
      this.#drop()
      await this.token().catch(() => undefined)
    }
  }

  /** What logs in anew outlives each of its tokens. */
  #tellEnd(leftMs: number): void {
    if (this.#options.auth.appRole === undefined) this.#endsAt = this.#options.clock.now() + leftMs
  }

  async #renew({ token }: Lease): Promise<Lease | 'refused' | 'unanswered'> {
    try {
      const answer = await this.#call({ method: 'POST', path: 'auth/token/renew-self', token, body: {} })
      if (answer.status === 400 || answer.status === 403) return 'refused'
      if (answer.status !== 200) return 'unanswered'
      const renewed = leaseOf(answer, this.#asked('renew its token'))
      return renewed.ttlS * 1000 * renewAfter >= shortestMs ? { ...renewed, token } : 'refused'
    } catch {
      return 'unanswered'
    }
  }

  #cool(fault: Fault, proof: Proof): void {
    this.#failures++
    const cooling = { fault, proof }
    this.#cooling = cooling
    const { clock, random } = this.#options
    const limits = fault.reason === 'VaultLoginRefused' ? pauses.refused : pauses.unreachable
    clock.after(backoffMs(this.#failures, random(), limits), () => {
      if (this.#cooling === cooling) this.#cooling = undefined
    })
  }

  #drop(): void {
    for (const cancel of this.#cancels) cancel()
    this.#cancels = []
    this.#lease = undefined
    this.#endsAt = undefined
  }

  #asked(what: string): Asked {
    return { what, address: this.#options.endpoint().address }
  }

  #call(call: VaultCall): Promise<VaultAnswer> {
    return callVault(this.#options.endpoint(), call, this.#options.signal)
  }
}
