import { answered, answerTimeoutMs, causeOf } from '../answer.ts'
import type { Context } from '../context.ts'
import { parseDurationMs, renderSpan } from '../duration.ts'
import { type ExitCode, ExitError, exitCodes, refused, trouble } from '../exit.ts'
import { renderTable } from '../table.ts'

export type SimulateOptions = {
  control: string
  all?: true
  user?: string
  group?: string
  instrument?: string
  for?: string
  share?: string
  behind?: true
  output: 'text' | 'json'
}

type Value = { member: string; unit: 'duration' | 'number' | 'text'; needed?: true }
type Verb = { order: string; value?: Value; fixed?: object }

/** Verbs and the orders of the simulator's control API (feed/simulator/README.md) that they send. Limits are checked there. */
export const simulateVerbs: Readonly<Record<string, Verb>> = {
  stall: { order: 'stall' },
  silence: { order: 'silence' },
  trickle: { order: 'trickle', value: { member: 'rate', unit: 'number', needed: true } },
  rate: { order: 'setRate', value: { member: 'rate', unit: 'number', needed: true } },
  duplicate: { order: 'duplicate' },
  reorder: { order: 'reorder', value: { member: 'of', unit: 'text' } },
  skew: { order: 'clockSkew', value: { member: 'ms', unit: 'duration', needed: true } },
  future: { order: 'futureTick', value: { member: 'aheadMs', unit: 'duration', needed: true } },
  storm: { order: 'snapshotStorm' },
  burst: { order: 'openingBurst', value: { member: 'ms', unit: 'duration' } },
  auction: { order: 'auction', value: { member: 'ms', unit: 'duration' } },
  settle: { order: 'settlement', value: { member: 'ms', unit: 'duration' } },
  'day-change': { order: 'dayChange', value: { member: 'days', unit: 'number' } },
  cut: { order: 'cut' },
  'half-open': { order: 'halfOpen' },
  'slow-reader': { order: 'slowReader', value: { member: 'packetsPerSecond', unit: 'number', needed: true } },
  'refuse-logins': { order: 'refuseLogins', value: { member: 'errorId', unit: 'number', needed: true } },
  'mute-logins': { order: 'muteLogins' },
  'cut-after-login': { order: 'cutAfterLogin', value: { member: 'afterMs', unit: 'duration' } },
  'slow-acks': { order: 'slowAcknowledgements', value: { member: 'ms', unit: 'duration', needed: true } },
  'lose-acks': { order: 'loseAcknowledgements' },
  'flow-control': { order: 'flowControl' },
}

const endings = ['resume', 'accept-logins', 'clear', 'state']

/**
 * Has a simulator carry out an order, and shows its state after it. `state` only looks. Exit 4 where the simulator refuses the
 * order, 2 where it does not answer.
 */
export async function simulate(
  context: Context,
  verb: string,
  value: string | undefined,
  options: SimulateOptions,
): Promise<ExitCode> {
  if (!URL.canParse(options.control)) throw trouble(`--control ${options.control} is no URL`, 'write http://HOST:PORT')
  const order = orderOf(verb, value, options)
  const state = await ask(context.signal, options.control, order)
  context.terminal.out(options.output === 'json' ? `${JSON.stringify(state)}\n` : stateText(state))
  return exitCodes.ok
}

/** What `POST /faults` takes; nothing for `state`. */
function orderOf(verb: string, value: string | undefined, options: SimulateOptions): object | undefined {
  if (endings.includes(verb)) return endingOf(verb, value, options)
  const known = simulateVerbs[verb]
  if (known === undefined)
    throw trouble(`simulate knows no ${verb}`, `write one of ${[...Object.keys(simulateVerbs), ...endings].join(', ')}`)
  const { all, user, group, instrument, share } = options
  return {
    [known.order]: {
      ...(all && { all }),
      ...(user !== undefined && { user }),
      ...(group !== undefined && { group }),
      ...(instrument !== undefined && { instrument }),
      ...(share !== undefined && { share: numberOf('--share', share) }),
      ...(options.for !== undefined && { forMs: durationOf('--for', options.for) }),
      ...payloadOf(verb, known.value, value, options.behind === true),
    },
  }
}

function endingOf(verb: string, value: string | undefined, options: SimulateOptions): object | undefined {
  const { control: _control, output: _output, ...limits } = options
  const [limit] = Object.keys(limits)
  if (limit !== undefined) throw trouble(`simulate ${verb} takes no --${limit}`)
  if (verb !== 'clear' && value !== undefined) throw trouble(`simulate ${verb} takes no value`)
  if (verb === 'clear') return { clear: clearOf(value ?? 'all') }
  if (verb === 'state') return undefined
  return verb === 'resume' ? { resume: true } : { acceptLogins: true }
}

/** A fault's id, `all`, or a kind, which may be named as the verb that orders it. */
function clearOf(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : (simulateVerbs[text]?.order ?? text)
}

function payloadOf(verb: string, value: Value | undefined, text: string | undefined, behind: boolean): object {
  if (behind && verb !== 'skew') throw trouble(`simulate ${verb} takes no --behind`, 'it is for skew')
  if (value === undefined) {
    if (text !== undefined) throw trouble(`simulate ${verb} takes no value`)
    return {}
  }
  if (text === undefined) {
    if (value.needed) throw trouble(`simulate ${verb} needs a value`, `write simulate ${verb} ${placeholder[value.unit]}`)
    return {}
  }
  if (value.unit === 'text') return { [value.member]: text }
  const amount = value.unit === 'duration' ? durationOf(verb, text) : numberOf(verb, text)
  return { [value.member]: behind ? -amount : amount }
}

const placeholder = { duration: 'DURATION, as 500ms or 3s', number: 'NUMBER', text: 'WORD' } as const

function durationOf(name: string, text: string): number {
  const ms = text === '0' ? 0 : parseDurationMs(text)
  if (ms === undefined) throw trouble(`${name} ${text} is no duration`, 'write it as 500ms, 3s or 10m')
  return ms
}

function numberOf(name: string, text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw trouble(`${name} ${text} is no number`)
  return value
}

/** Members of the answer that the page shows; the simulator tells more. */
type State = {
  instruments: number
  tradingDay: number
  rate: number
  ticks: { generated: number; late: number }
  faults: { id: number; kind: string; settings: object; instruments?: number; endsInMs?: number }[]
  sessions: {
    id: number
    user?: string
    port: number
    subscriptions: number
    pendingAcknowledgements: number
    unsentPackets: number
    sentTicks: number
  }[]
}

async function ask(signal: AbortSignal, control: string, order: object | undefined): Promise<State> {
  const base = control.replace(/\/+$/, '')
  const what = order === undefined ? 'GET /state' : 'POST /faults'
  const init: RequestInit = order === undefined ? {} : { method: 'POST', body: JSON.stringify(order) }
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)])
    const response = await fetch(base + (order === undefined ? '/state' : '/faults'), { ...init, signal: limit })
    if (response.ok) return (await response.json()) as State
    if (response.status === 400) throw refused(`the simulator refuses: ${await refusalOf(response)}`)
    throw await answered(control, what, response)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ExitError) throw error
    throw trouble(
      `no simulator answers at ${control} (tried ${what}: ${causeOf(error)})`,
      'start it with `npm run simulator -- --control-port 7201`, or name its control port with --control URL',
      error,
    )
  }
}

async function refusalOf(response: Response): Promise<string> {
  const text = await response.text()
  try {
    return String((JSON.parse(text) as { error?: unknown }).error ?? text)
  } catch {
    return text
  }
}

function stateText({ instruments, tradingDay, rate, ticks, faults, sessions }: State): string {
  const head = `${instruments} instruments, trading day ${tradingDay}, ${rate} ticks/s each, ${ticks.generated} ticks so far\n`
  const faultRows = faults.map(({ id, kind, settings, instruments: covered, endsInMs }) => [
    String(id),
    kind,
    covered === undefined ? 'all' : String(covered),
    endsInMs === undefined ? '' : renderSpan(endsInMs),
    JSON.stringify(settings),
  ])
  const sessionRows = sessions.map(session =>
    [
      session.id,
      session.user ?? '-',
      session.port,
      session.subscriptions,
      session.pendingAcknowledgements,
      session.unsentPackets,
      session.sentTicks,
    ].map(String),
  )
  const faultTable = faultRows.length === 0 ? 'no fault is in force\n' : renderTable(faultHeader, faultRows)
  return `${head}\n${faultTable}\n${sessionRows.length === 0 ? 'no session\n' : renderTable(sessionHeader, sessionRows)}`
}

const faultHeader = ['ID', 'FAULT', 'INSTRUMENTS', 'ENDS IN', 'SETTINGS']
const sessionHeader = ['SESSION', 'USER', 'PORT', 'SUBSCRIBED', 'UNACKNOWLEDGED', 'UNSENT', 'TICKS']
