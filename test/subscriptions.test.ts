import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Desired, InstrumentGroup } from '../crds/contract/desired.ts'
import { type AccountListing, type SubscriptionsView, subscriptionsViewSchema } from '../crds/contract/subscriptions.ts'
import { type Simulator, startSimulator } from '../feed/simulator/simulator.ts'
import { desiredOn, groupsOf, withLive } from './feed/desired.ts'
import { FeedProcess } from './feed/feedprocess.ts'
import { until } from './services/deadline.ts'
import { temporaryDirectory } from './services/directory.ts'

const everything = 20_000

let simulator: Simulator
let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let feed: FeedProcess
let desired: Desired

beforeEach(async () => {
  directory = await temporaryDirectory('feed')
  feed = new FeedProcess(directory.path)
})

afterEach(async () => {
  await feed.stop()
  await simulator.stop()
  await directory.remove()
})

type Front = { counters: { logins: number; cuts: number }; sessions: { subscriptions: number }[] }

async function startOn(instruments: number, rate: number, groups?: InstrumentGroup[]): Promise<void> {
  simulator = await startSimulator({ instruments, rate, controlPort: 0 })
  const base = desiredOn(simulator.ports[0] ?? 0, groups ?? (await groupsOf(instruments)))
  desired = { ...base, launch: { ...base.launch, accounts: ['primary'] } }
  await feed.prepare(desired)
  await feed.start()
}

async function front(): Promise<Front> {
  return (await (await fetch(`http://127.0.0.1:${simulator.control}/state`)).json()) as Front
}

async function order(faults: object): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${simulator.control}/faults`, { method: 'POST', body: JSON.stringify(faults) })
  expect(response.status).toBe(200)
}

async function view(query = ''): Promise<SubscriptionsView> {
  return subscriptionsViewSchema.parse(await (await feed.get(`/v1/subscriptions${query}`)).json())
}

async function listing(query = ''): Promise<AccountListing> {
  const [account] = (await view(query)).accounts
  if (account === undefined) throw new Error('the feed runs no account')
  return account
}

const countsThat = (what: string, holds: (counts: AccountListing['counts']) => boolean, query = '') =>
  until(`subscriptions to be ${what}`, async () => {
    const { counts } = await listing(query)
    return holds(counts) && counts
  })

/** `count` instruments of the universe, from the `from`th on, as groups. */
async function slice(universe: number, from: number, count: number): Promise<InstrumentGroup[]> {
  let at = 0
  return (await groupsOf(universe)).flatMap(group => {
    const start = at
    at += group.instruments.length
    const instruments = group.instruments.slice(Math.max(0, from - start), Math.max(0, from + count - start))
    return instruments.length === 0 ? [] : [{ ...group, instruments }]
  })
}

describe('the subscriptions of a feed', () => {
  it('reach 20,000 instruments without one disconnect by the front', async () => {
    await startOn(everything, 0.5)
    await countsThat('acknowledged', ({ acknowledged, desired: all }) => all === everything && acknowledged === everything)
    await countsThat('pushed', ({ pushed }) => pushed === everything)
    expect(await front()).toMatchObject({ counters: { logins: 1, cuts: 0 }, sessions: [{ subscriptions: everything }] })
    const [session] = (await feed.status()).sessions
    expect(session).toMatchObject({ state: 'live', restarts: 0, subscriptions: { acknowledged: everything, rejected: 0 } })
    expect((await feed.events()).filter(({ reason }) => reason === 'FrontDisconnected')).toEqual([])
  })

  it('follow a changed set by its difference, on the same connection', async () => {
    const universe = 4000
    await startOn(universe, 1, await slice(universe, 0, 2000))
    await countsThat('acknowledged', ({ acknowledged }) => acknowledged === 2000)
    const before = await listing('?limit=5000')
    expect((await feed.put(withLive(desired, { instrumentGroups: await slice(universe, 500, 2500) }))).status).toBe(200)
    await countsThat('acknowledged', ({ acknowledged, desired: all }) => all === 2500 && acknowledged === 2500)
    await until('the front to have dropped the rest', async () => (await front()).sessions[0]?.subscriptions === 2500)
    expect((await front()).counters).toMatchObject({ logins: 1, cuts: 0 })
    const stayed = new Map((await listing('?limit=5000')).items.map(item => [item.instrument, item.acknowledgedAt]))
    const kept = before.items.filter(({ instrument }) => stayed.has(instrument))
    expect(kept).toHaveLength(1500)
    expect(kept.filter(({ instrument, acknowledgedAt }) => stayed.get(instrument) !== acknowledgedAt)).toEqual([])
  })

  it('are asked for again for as long as the front says that they come too fast', async () => {
    const universe = 1000
    await startOn(universe, 1, await slice(universe, 0, 10))
    await countsThat('acknowledged', ({ acknowledged }) => acknowledged === 10)
    await order({ flowControl: { on: true } })
    expect((await feed.put(withLive(desired, { instrumentGroups: await slice(universe, 0, universe) }))).status).toBe(200)
    const hits = async () =>
      Number(/^md_rate_limit_hits_total\{.*\} (\d+)$/m.exec(await (await feed.get('/metrics', {})).text())?.[1])
    await until('the front to have refused some', async () => (await hits()) > 5)
    expect((await listing('?limit=0')).counts).toMatchObject({ rejected: 0, quarantined: 0 })
    await order({ flowControl: { on: false } })
    expect(await countsThat('acknowledged', ({ acknowledged }) => acknowledged === universe)).toMatchObject({ rejected: 0 })
    expect((await front()).counters.cuts).toBe(0)
  })

  it('quarantine what the front does not know, with its reason, and a retry asks for it again', async () => {
    const [first, ...others] = await groupsOf(200)
    if (first === undefined) throw new Error('the universe is empty')
    const instruments = [...first.instruments, 'zz9901', 'zz9902']
    await startOn(200, 1, [{ ...first, instruments }, ...others])
    await countsThat('answered', ({ quarantined, acknowledged }) => quarantined === 2 && acknowledged === 200)
    const { items, counts } = await listing('?state=quarantined')
    expect(counts.desired).toBe(202)
    expect(items.map(({ instrument, errorId }) => ({ instrument, errorId }))).toEqual([
      { instrument: 'zz9901', errorId: 16 },
      { instrument: 'zz9902', errorId: 16 },
    ])
    expect(items[0]?.reason).toMatch(/^16: /)
    const answer = await feed.post('/v1/subscriptions/retry', { include: ['zz*'], states: ['quarantined'], retries: 0 })
    expect(answer).toEqual({ status: 202, body: { accounts: [{ account: 'primary', asked: 2 }] } })
    const told = await until('the run to end', async () => (await feed.events()).find(({ reason }) => reason === 'Resubscribed'))
    expect(told.fields).toMatchObject({ account: 'primary', asked: 2, acknowledged: 0, refused: 2 })
    const asked = (await feed.events()).find(({ reason }) => reason === 'ResubscribeAsked')
    expect(asked?.fields).toMatchObject({ asked: 2, states: 'quarantined' })
    expect((await front()).counters).toMatchObject({ logins: 1, cuts: 0 })
  })

  it('are silent where they are acknowledged and nothing comes, until a retry brings it back', async () => {
    await startOn(300, 2)
    await countsThat('ticking', ({ ticking }) => ticking === 300)
    const { instrument = '' } = (await listing('?limit=1')).items[0] ?? {}
    await order({ stall: { instrument } })
    const query = `?silentAfterSeconds=3&instrument=${instrument}`
    await countsThat('silent', ({ silent }) => silent === 1, query)
    expect(await listing(query)).toMatchObject({
      counts: { desired: 1, acknowledged: 1, ticking: 0, silent: 1 },
      items: [{ instrument, state: 'silent', reason: 'no fresh tick since', pushed: true }],
    })
    await order({ resume: true })
    const retry = { include: [instrument], states: ['silent'], silentAfterSeconds: 1 }
    expect((await feed.post('/v1/subscriptions/retry', retry)).status).toBe(202)
    expect(await countsThat('ticking', ({ ticking }) => ticking === 1, query)).toMatchObject({ silent: 0 })
  })

  it('are told in pages, and a question that is none is refused', async () => {
    await startOn(1200, 0)
    await countsThat('acknowledged', ({ acknowledged }) => acknowledged === 1200)
    const names: string[] = []
    for (let after = ''; ; ) {
      const page = await listing(`?limit=500${after}`)
      names.push(...page.items.map(({ instrument }) => instrument))
      if (page.next === undefined) break
      after = `&after=${encodeURIComponent(page.next)}`
    }
    expect(new Set(names).size).toBe(1200)
    for (const query of ['?limit=-1', '?limit=x', '?state=lost', '?limit=5001', '?account=third', '?silentAfterSeconds=0'])
      expect({ query, status: (await feed.get(`/v1/subscriptions${query}`)).status }).toEqual({ query, status: 400 })
    expect((await feed.post('/v1/subscriptions/retry', { states: ['ticking'] })).status).toBe(400)
    expect((await feed.post('/v1/subscriptions/retry', { instruments: ['AP*'] })).status).toBe(400)
    expect((await feed.get('/v1/subscriptions', {})).status).toBe(401)
  })
})
