import { afterEach, beforeEach, expect, it } from 'vitest'
import { type ExitCode, exitCodes } from '../controller/cli/exit.ts'
import { run } from '../controller/cli/program.ts'
import { simulateVerbs } from '../controller/cli/verbs/simulate.ts'
import { faultsSchema } from '../feed/simulator/faultorder.ts'
import { Stage } from '../feed/simulator/stage.ts'

let stage: Stage
beforeEach(async () => {
  stage = await Stage.open({ rate: 2 })
})
afterEach(() => stage.close())

async function feedctl(args: string[], control = `http://127.0.0.1:${stage.simulator.control}`) {
  const written = { out: '', err: '' }
  const write = (to: 'out' | 'err') => (text: string) => void Object.assign(written, { [to]: written[to] + text })
  const quiet = { outColour: false, errColour: false, outInteractive: false, errInteractive: false }
  const code: ExitCode = await run(['simulate', ...args, '--control', control], {
    terminal: { out: write('out'), err: write('err'), ...quiet, now: Date.now },
    signal: new AbortController().signal,
    newToken: () => 'token',
    defaults: { server: undefined, manifests: undefined, namespace: undefined, data: '.' },
    environment: {},
    directory: '.',
  })
  return { code, ...written }
}

it('orders a fault with its limits and its end, and shows it', async () => {
  const { code, out } = await feedctl(['stall', '--group', 'DCE', '--user', 'alice', '--for', '90s'])
  expect(code).toBe(exitCodes.ok)
  expect(out).toMatch(/^6 instruments, trading day \d{8}, 2 ticks\/s each/)
  expect(out).toMatch(/stall +3 +(1m30s|1m29s|89s|90s)/)
  expect((await stage.state()).faults).toMatchObject([
    { kind: 'stall', settings: { group: 'DCE', user: 'alice', forMs: 90_000 } },
  ])
})

it('carries values in the units of the order, and JSON out', async () => {
  await feedctl(['skew', '2s', '--behind'])
  await feedctl(['duplicate', '--share', '0.25', '--instrument', 'cs1605'])
  const { out } = await feedctl(['rate', '1.5', '-o', 'json'])
  expect(JSON.parse(out)).toMatchObject({
    rate: 1.5,
    faults: [{ settings: { ms: -2000 } }, { settings: { share: 0.25, instrument: 'cs1605' } }],
  })
})

it('ends faults by verb, by id and all of them', async () => {
  await feedctl(['mute-logins'])
  await feedctl(['half-open', '--user', 'nobody'])
  const [, last] = (await stage.state()).faults
  await feedctl(['clear', 'mute-logins'])
  expect((await stage.state()).faults).toHaveLength(1)
  await feedctl(['clear', String(last?.id)])
  expect((await stage.state()).faults).toEqual([])
  await feedctl(['lose-acks'])
  expect((await feedctl(['clear'])).out).toContain('no fault is in force')
})

it.each([
  [['stall'], exitCodes.refused, 'name what: {"all": true}'],
  [['silence', '--instrument', 'x9'], exitCodes.refused, 'no instrument is called x9'],
  [['explode'], exitCodes.trouble, 'write one of stall, silence'],
  [['skew'], exitCodes.trouble, 'write simulate skew DURATION'],
  [['skew', 'soon'], exitCodes.trouble, 'skew soon is no duration'],
  [['state', '--user', 'alice'], exitCodes.trouble, 'simulate state takes no --user'],
  [['cut', '5s'], exitCodes.trouble, 'simulate cut takes no value'],
])('says what is wrong with %j', async (args, code, words) => {
  const answer = await feedctl(args)
  expect(answer).toMatchObject({ code, out: '' })
  expect(answer.err).toContain(words)
})

it('says how to start a simulator where none answers', async () => {
  const answer = await feedctl(['state'], 'http://127.0.0.1:1')
  expect(answer.code).toBe(exitCodes.trouble)
  expect(answer.err).toContain('no simulator answers at http://127.0.0.1:1')
  expect(answer.err).toContain('--control-port 7201')
})

it('has a verb for every order that lasts or happens', () => {
  const orders = Object.keys(faultsSchema.shape).filter(key => !['clear', 'resume', 'acceptLogins'].includes(key))
  expect(
    Object.values(simulateVerbs)
      .map(({ order }) => order)
      .sort(),
  ).toEqual(orders.sort())
})
