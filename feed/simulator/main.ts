import { parseArgs } from 'node:util'
import pino from 'pino'
import { asFault } from '../../crds/contract/fault.ts'
import { readAccounts } from './accounts.ts'
import { type SimulatorOptions, startSimulator } from './simulator.ts'

const usage = `node feed/simulator/main.ts [--port 7101 ...] [--host 127.0.0.1] [--control-port PORT] [--universe FILE ...]
  [--instruments N] [--rate 2] [--seed 1] [--accounts FILE] [--requests-per-second 100]
  [--hours always|china-futures] [--starts-at 2026-01-05T08:54:00+08:00]`

const log = pino({ name: 'simulator' })

async function main(): Promise<void> {
  const { stop, ...listening } = await startSimulator(await readOptions(process.argv.slice(2)))
  log.info(listening, 'simulator ready')
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop().then(
        () => log.info({ signal }, 'simulator stopped'),
        error => fail(error),
      )
    })
  }
}

async function readOptions(args: string[]): Promise<SimulatorOptions> {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string', multiple: true, default: ['7101'] },
      host: { type: 'string' },
      'control-port': { type: 'string' },
      universe: { type: 'string', multiple: true },
      instruments: { type: 'string' },
      rate: { type: 'string' },
      seed: { type: 'string' },
      accounts: { type: 'string' },
      'requests-per-second': { type: 'string' },
      hours: { type: 'string' },
      'starts-at': { type: 'string' },
    },
  })
  return {
    ports: values.port.map(port => numberOf('port', port, 0, 65_535)),
    ...(values.host && { host: values.host }),
    ...(values['control-port'] && { controlPort: numberOf('control-port', values['control-port'], 0, 65_535) }),
    ...(values.universe && { universe: values.universe }),
    ...(values.instruments && { instruments: numberOf('instruments', values.instruments, 1, 20_000) }),
    ...(values.rate && { rate: numberOf('rate', values.rate, 0, 50) }),
    ...(values.seed && { seed: numberOf('seed', values.seed, 0, 2 ** 31) }),
    ...(values.accounts && { accounts: await readAccounts(values.accounts) }),
    ...(values['requests-per-second'] && {
      requestsPerSecond: numberOf('requests-per-second', values['requests-per-second'], 1, 10_000),
    }),
    ...(values.hours && { hours: hoursOf(values.hours) }),
    ...(values['starts-at'] && { startsAt: momentOf(values['starts-at']) }),
  }
}

function hoursOf(text: string): 'always' | 'china-futures' {
  if (text === 'always' || text === 'china-futures') return text
  throw new TypeError(`--hours ${text}: write always or china-futures`)
}

function momentOf(text: string): number {
  const at = Date.parse(text)
  if (/T.*(Z|[+-]\d\d:\d\d)$/.test(text) && Number.isFinite(at)) return at
  throw new TypeError(`--starts-at ${text}: write a time with its zone, as 2026-01-05T08:54:00+08:00`)
}

function numberOf(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (Number.isFinite(value) && value >= min && value <= max) return value
  throw new TypeError(`--${name} ${text}: give a number from ${min} to ${max}`)
}

function fail(error: unknown): void {
  const { reason, message } = asFault(error)
  log.error({ reason, message, ...(error instanceof TypeError && { usage }) }, 'simulator failed')
  process.exitCode = 1
}

main().catch(fail)
