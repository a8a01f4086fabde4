import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { missingServices } from '../test/services/availability.ts'
import { creation } from './creation.ts'
import { drill } from './drill.ts'
import { encoding } from './encoding.ts'
import { failoverCold, failoverWarm } from './failover.ts'
import { type Judged, judge } from './figure.ts'
import { firstWrite } from './firstwrite.ts'
import { scaleDocker, scaleProcesses } from './fleetscale.ts'
import { frozen } from './frozen.ts'
import { handover } from './handover.ts'
import { idle, idleDocker } from './idle.ts'
import { load } from './load.ts'
import { loadProfile } from './loadprofile.ts'
import { type Machine, readMachine } from './machine.ts'
import { type Extent, LeftOut, type Measurement } from './measurement.ts'
import { noop } from './noop.ts'
import { publish } from './publish.ts'
import { rotation } from './rotation.ts'
import { scale } from './scale.ts'
import { start } from './start.ts'
import { markdownTable, textTable } from './table.ts'

const measurements: Measurement[] = [
  noop,
  firstWrite,
  creation,
  failoverWarm,
  failoverCold,
  handover,
  drill,
  rotation,
  publish,
  encoding,
  start,
  idle,
  idleDocker,
  load,
  loadProfile,
  scale,
  scaleProcesses,
  scaleDocker,
  frozen,
]

/** Ticks a second that the checking consumer reads beside everything else on two cores. */
const ticksPerSecond = 5000

const usage = `npm run bench -- [NAME ...] [--minutes N] [--per-second N] [--flips N] [--instruments N] [--rate N] [--table] [--json FILE] [--write]

  NAME             ${measurements.map(({ name }) => name).join(', ')}; without a name all but ${measurements
    .filter(({ onRequest }) => onRequest)
    .map(({ name }) => name)
    .join(' and ')};
                   the first word stands for all that begin with it (failover: failover-warm and failover-cold)
  --minutes N      how long load lasts, 1 to 10; 1 where left out
  --per-second N   ticks a second that load and load-profile offer, up to 200000; 40000 where left out
  --flips N        of failover-warm, 1 to 1000; 20 where left out
  --instruments N  of failover-warm, 1 to 20000; 2000 where left out
  --rate N         of failover-warm, mean of ticks a second and instrument, up to 2; where left out, 2 or what makes ${ticksPerSecond} in all
  --table          the table for people, also where the output is no terminal (JSON is the default there)
  --json FILE      the JSON into a file
  --write          the table into docs/reference/performance.md; only with all measurements`

const page = join(import.meta.dirname, '../docs/reference/performance.md')
const marks = ['<!-- figures: begin, written by npm run bench -- --write -->', '<!-- figures: end -->'] as const

type Report = {
  at: string
  machine: Machine
  seconds: number
  /** Load average at the end; the bench itself makes about two. */
  loadAfter: number
  figures: Judged[]
  leftOut: { name: string; why: string }[]
  failed: { name: string; why: string }[]
}

process.exitCode = await main()

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      minutes: { type: 'string', default: '1' },
      'per-second': { type: 'string', default: '40000' },
      flips: { type: 'string', default: '20' },
      instruments: { type: 'string', default: '2000' },
      rate: { type: 'string' },
      table: { type: 'boolean', default: false },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const unknown = positionals.filter(name => namedBy(name).length === 0)
  if (values.help || unknown.length > 0) return explain(unknown)
  if (values.write && positionals.length > 0) return explain([], '--write takes a full run: name no measurement with it')
  const extent = extentOf(values)
  if (typeof extent === 'string') return explain([], extent)
  const named = positionals.flatMap(namedBy)
  const chosen = measurements.filter(each => (positionals.length === 0 ? !each.onRequest : named.includes(each)))
  const report = await run(chosen, extent, stopSignal())
  const json = `${JSON.stringify(report, undefined, 2)}\n`
  if (values.json !== undefined) writeFileSync(values.json, json)
  process.stdout.write(values.table || process.stdout.isTTY ? `${wordsOf(report)}\n` : json)
  if (values.write) writePage(report)
  return report.failed.length > 0 || report.figures.some(({ holds }) => holds === false) ? 1 : 0
}

/** The measurement of this name, or those whose names begin with this word. */
function namedBy(name: string): Measurement[] {
  const exact = measurements.filter(measurement => measurement.name === name)
  return exact.length > 0 ? exact : measurements.filter(measurement => measurement.name.startsWith(`${name}-`))
}

type Texts = { minutes: string; 'per-second': string; flips: string; instruments: string; rate?: string | undefined }

/** What is wrong with the options, in words, where something is. */
function extentOf(texts: Texts): Extent | string {
  const [minutes, flips, instruments] = [Number(texts.minutes), Number(texts.flips), Number(texts.instruments)]
  const rate = texts.rate === undefined ? Math.min(2, ticksPerSecond / instruments) : Number(texts.rate)
  if (!(minutes > 0 && minutes <= 10)) return `--minutes ${texts.minutes}: give a number up to 10`
  const perSecond = Number(texts['per-second'])
  if (!(perSecond > 0 && perSecond <= 200_000)) return `--per-second ${texts['per-second']}: give a number up to 200000`
  if (!(Number.isInteger(flips) && flips > 0 && flips <= 1000)) return `--flips ${texts.flips}: give a number from 1 to 1000`
  if (!(Number.isInteger(instruments) && instruments > 0 && instruments <= 20_000))
    return `--instruments ${texts.instruments}: give a number from 1 to 20000`
  if (!(rate > 0 && rate <= 2)) return `--rate ${texts.rate}: give a number up to 2, the most that a front pushes`
  return { minutes, perSecond, flips, instruments, rate }
}

function explain(unknown: string[], mistake?: string): number {
  const mistakes = [...unknown.map(name => `there is no measurement "${name}"`), ...(mistake ? [mistake] : [])]
  for (const each of mistakes) console.error(each)
  console.error(usage)
  return mistakes.length > 0 ? 2 : 0
}

function stopSignal(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error(name)))
  return stop.signal
}

async function run(chosen: Measurement[], extent: Extent, stop: AbortSignal): Promise<Report> {
  const began = performance.now()
  const report: Report = {
    at: new Date().toISOString(),
    machine: readMachine(),
    seconds: 0,
    loadAfter: 0,
    figures: [],
    leftOut: [],
    failed: [],
  }
  const missing = await missingServices()
  for (const measurement of chosen) {
    if (stop.aborted) break
    const why = measurement.needs.flatMap(service => missing.get(service) ?? []).join('; ')
    if (why !== '') report.leftOut.push({ name: measurement.name, why })
    else await runOne(measurement, extent, report, stop)
  }
  if (stop.aborted) report.failed.push({ name: 'bench', why: `ended by ${stop.reason.message}` })
  return { ...report, seconds: Math.round((performance.now() - began) / 1000), loadAfter: readMachine().load }
}

async function runOne(
  { name, about, limitMs, measure }: Measurement,
  extent: Extent,
  report: Report,
  stop: AbortSignal,
): Promise<void> {
  console.error(`${name}: ${about}`)
  try {
    const figures = await measure(AbortSignal.any([stop, AbortSignal.timeout(limitMs)]), extent)
    report.figures.push(...figures.map(judge))
  } catch (error) {
    if (error instanceof LeftOut) report.leftOut.push({ name, why: error.message })
    else report.failed.push({ name, why: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
}

function wordsOf(report: Report): string {
  const { figures, leftOut, failed } = report
  return [
    textTable(figures),
    '',
    ...figures.flatMap(({ name, note }) => (note === undefined ? [] : [`${name}: ${note}`])),
    ...leftOut.map(({ name, why }) => `left out ${name}: ${why}`),
    ...failed.map(({ name, why }) => `FAILED ${name}: ${why}`),
    describe(report),
  ].join('\n')
}

function describe({ seconds, machine, loadAfter }: Report): string {
  const { cpus, cpu, memoryGB, node, load } = machine
  return `${seconds} s on ${cpus} cores (${cpu}), ${memoryGB} GB, Node ${node}; load average ${load} before and ${loadAfter} after`
}

function writePage(report: Report): void {
  const [begin, end] = marks
  const text = readFileSync(page, 'utf8')
  const [head, rest] = text.split(begin)
  const tail = rest?.split(end)[1]
  if (tail === undefined) throw new Error(`${page} lacks the marks of its table`)
  const { figures, leftOut, failed, at } = report
  const notes = figures.flatMap(({ name, note }) => (note === undefined ? [] : [`- ${name}: ${note}`]))
  const absent = [...leftOut, ...failed].map(({ name, why }) => `- no figure for ${name}: ${why.split('\n')[0]}`)
  const lines = [`${at.slice(0, 10)}, ${describe(report)}.`, '', markdownTable(figures), '', ...notes, ...absent]
  writeFileSync(page, `${head}${begin}\n\n${lines.join('\n')}\n\n${end}${tail}`)
}
