import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AccountSecrets, Gateway } from './gateway.ts'
import { Witness } from './witness.ts'

/** A place to try a gateway in. */
export type GatewayBench = {
  /** A new gateway to the same front, not open yet. */
  gateway(): Gateway
  secrets: AccountSecrets
  /** An account that the front refuses with error 3. */
  refused: AccountSecrets
  /** Two instruments that the front has and that tick. */
  instruments: [string, string]
  /** Ends all connections as a failing front does; absent where a gateway has no connection. */
  cut?: () => void
  close(): Promise<void>
}

/** Registers what every gateway is held to; one without a connection cannot be cut. */
export function conformance(
  name: string,
  open: () => Promise<GatewayBench>,
  { hasConnection }: { hasConnection: boolean },
): void {
  describe(`${name}, as every gateway`, () => {
    let bench: GatewayBench
    const opened: Gateway[] = []
    const start = () => {
      const gateway = bench.gateway()
      opened.push(gateway)
      return { gateway, witness: new Witness(gateway) }
    }
    const loggedIn = async () => {
      const { gateway, witness } = start()
      await witness.nth('connected')
      gateway.login(bench.secrets)
      await witness.nth('loggedIn')
      return { gateway, witness }
    }

    beforeEach(async () => {
      bench = await open()
    })
    afterEach(async () => {
      await Promise.all(opened.splice(0).map(gateway => gateway.close()))
      await bench.close()
    })

    it('connects after open has returned, and tells the front', async () => {
      const { witness } = start()
      expect(witness.events).toEqual([])
      expect((await witness.nth('connected')).front).not.toBe('')
    })

    it('sends nothing before it is connected', () => {
      const { gateway } = start()
      expect([
        gateway.login(bench.secrets),
        gateway.subscribe(bench.instruments),
        gateway.unsubscribe(bench.instruments),
      ]).toEqual([-1, -1, -1])
    })

    it('answers a login after the request has returned', async () => {
      const { gateway, witness } = start()
      await witness.nth('connected')
      expect(gateway.login(bench.secrets)).toBe(0)
      expect(witness.all('loggedIn')).toEqual([])
      expect((await witness.nth('loggedIn')).tradingDay).toMatch(/^\d{8}$/)
    })

    it('tells why a login failed', async () => {
      const { gateway, witness } = start()
      await witness.nth('connected')
      gateway.login(bench.refused)
      expect((await witness.nth('loginFailed')).error.ErrorID).toBe(3)
      expect(witness.all('loggedIn')).toEqual([])
    })

    it('returns -3 for a second login within a second', async () => {
      const { gateway, witness } = start()
      await witness.nth('connected')
      expect([gateway.login(bench.secrets), gateway.login(bench.secrets)]).toEqual([0, -3])
    })

    it('refuses every instrument with error 6 before the login', async () => {
      const { gateway, witness } = start()
      await witness.nth('connected')
      expect(gateway.subscribe(bench.instruments)).toBe(0)
      await witness.nth('subscribed', 2)
      expect(witness.all('subscribed').map(({ instrument, error }) => [instrument, error?.ErrorID])).toEqual(
        bench.instruments.map(instrument => [instrument, 6]),
      )
    })

    it('answers each instrument, an unknown one with error 16', async () => {
      const { gateway, witness } = await loggedIn()
      const [first, second] = bench.instruments
      expect(gateway.subscribe([first, 'no-such-1', second])).toBe(0)
      expect(witness.all('subscribed')).toEqual([])
      await witness.nth('subscribed', 3)
      const answers = new Map(witness.all('subscribed').map(({ instrument, error }) => [instrument, error?.ErrorID]))
      expect(answers).toEqual(
        new Map([
          [first, undefined],
          ['no-such-1', 16],
          [second, undefined],
        ]),
      )
    })

    it('pushes the state of each instrument after its answer, then ticks', async () => {
      const { gateway, witness } = await loggedIn()
      gateway.subscribe(bench.instruments)
      await witness.until(() => bench.instruments.every(instrument => witness.ticksOf(instrument).length >= 3))
      for (const instrument of bench.instruments) {
        const answered = witness.events.findIndex(event => event.type === 'subscribed' && event.instrument === instrument)
        const pushed = witness.events.findIndex(event => event.type === 'depth' && event.depth.InstrumentID === instrument)
        expect(pushed).toBeGreaterThan(answered)
      }
    })

    it('pushes complete depths and the time they came at', async () => {
      const before = Date.now()
      const { gateway, witness } = await loggedIn()
      gateway.subscribe(bench.instruments)
      const { depth, receivedAt } = await witness.nth('depth', 3)
      expect(depth.TradingDay).toMatch(/^\d{8}$/)
      expect(depth.ActionDay).toMatch(/^\d{8}$/)
      expect(depth.UpdateTime).toMatch(/^\d\d:\d\d:\d\d$/)
      expect([depth.BidPrice, depth.BidVolume, depth.AskPrice, depth.AskVolume].map(side => side.length)).toEqual([5, 5, 5, 5])
      expect(receivedAt).toBeGreaterThan(before - 1000)
      expect(receivedAt).toBeLessThan(Date.now() + 1000)
    })

    it('pushes no more of an instrument whose unsubscription is answered', async () => {
      const { gateway, witness } = await loggedIn()
      const [left, kept] = bench.instruments
      gateway.subscribe(bench.instruments)
      await witness.until(() => witness.ticksOf(left).length >= 2)
      expect(gateway.unsubscribe([left])).toBe(0)
      expect((await witness.nth('unsubscribed')).instrument).toBe(left)
      const [leftBefore, keptBefore] = [witness.ticksOf(left).length, witness.ticksOf(kept).length]
      await witness.until(() => witness.ticksOf(kept).length >= keptBefore + 4)
      expect(witness.ticksOf(left)).toHaveLength(leftBefore)
    })

    it('returns -2 for more instruments than may be pending', async () => {
      const { gateway } = await loggedIn()
      expect(gateway.subscribe(new Array(10_001).fill(bench.instruments[0]))).toBe(-2)
      expect(gateway.subscribe(bench.instruments)).toBe(0)
    })

    it('calls no handler after it is closed', async () => {
      const { gateway, witness } = await loggedIn()
      gateway.subscribe(bench.instruments)
      await witness.nth('depth')
      gateway.subscribe(bench.instruments)
      await gateway.close()
      const seen = witness.events.length
      const other = await loggedIn()
      other.gateway.subscribe(bench.instruments)
      await other.witness.nth('depth', 6)
      expect(witness.events).toHaveLength(seen)
      expect(gateway.subscribe(bench.instruments)).toBe(-1)
    })

    it('closes before it is connected, and twice', async () => {
      const { gateway, witness } = start()
      await Promise.all([gateway.close(), gateway.close()])
      await loggedIn()
      expect(witness.events).toEqual([])
    })

    if (!hasConnection) return

    it('reconnects after a cut and leaves the login to the session', async () => {
      const { gateway, witness } = await loggedIn()
      gateway.subscribe(bench.instruments)
      await witness.nth('depth')
      bench.cut?.()
      expect((await witness.nth('disconnected')).reason).toBe(0x1001)
      await witness.nth('connected', 2)
      gateway.subscribe(bench.instruments)
      await witness.until(() => witness.all('subscribed').some(({ error }) => error?.ErrorID === 6))
      expect(witness.all('loggedIn')).toHaveLength(1)
      gateway.login(bench.secrets)
      await witness.nth('loggedIn', 2)
    })
  })
}
