import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { type Outcome, simulate } from './simulation.ts'

/** `npm run simulate -- --seeds N [--from S] [--jobs 2]`, or `--seed S --trace` for one with all that happened in it. */
const usage = 'usage: npm run simulate -- --seeds N [--from S] [--jobs J] | --seed S [--trace]'

/** Seeds between two lines about the progress. */
const progressEvery = 500

type Range = { from: number; seeds: number; step: number }

if (isMainThread) process.exitCode = await main()
else await work(workerData as Range, outcome => parentPort?.postMessage(outcome))

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      from: { type: 'string', default: '1' },
      jobs: { type: 'string', default: '1' },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
    },
  })
  const [seeds, from, jobs] = [values.seeds ?? '100', values.from, values.jobs].map(Number)
  if (values.seed !== undefined) return showOne(Number(values.seed), values.trace)
  if (!isCount(seeds) || !isCount(from) || !isCount(jobs)) {
    console.error(usage)
    return 2
  }
  return runAll({ seeds, from, jobs })
}

function isCount(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1
}

async function showOne(seed: number, isTraced: boolean): Promise<number> {
  const outcome = await simulate(seed)
  if (isTraced) for (const line of outcome.lines) console.log(line)
  const { violation, steps, convergedMs, digest } = outcome
  console.log(`seed ${seed}: ${steps} steps, converged ${(convergedMs ?? 0) / 1000} s after the disasters, trace ${digest}`)
  if (!violation) return 0
  tell(outcome)
  return 1
}

async function runAll({ seeds, from, jobs }: { seeds: number; from: number; jobs: number }): Promise<number> {
  const began = performance.now()
  const told = { done: 0, bad: 0 }
  const perSecond = () => ((told.done / (performance.now() - began)) * 1000).toFixed(1)
  const onOutcome = (outcome: Pick<Outcome, 'seed' | 'violation'>) => {
    told.done++
    if (outcome.violation) {
      told.bad++
      tell(outcome)
    }
    if (told.done % progressEvery === 0)
      console.log(`${told.done} of ${seeds} seeds, ${told.bad} violations, ${perSecond()} seeds/s`)
  }
  const ranges = Array.from(
    { length: jobs },
    (_, job): Range => ({ from: from + job, seeds: Math.ceil((seeds - job) / jobs), step: jobs }),
  )
  const [only] = ranges
  if (ranges.length === 1 && only) await work(only, onOutcome)
  else await Promise.all(ranges.map(range => workApart(range, onOutcome)))
  console.log(`${told.done} seeds from ${from}, ${told.bad} violations, ${perSecond()} seeds/s`)
  return told.bad > 0 ? 1 : 0
}

async function work(
  { from, seeds, step }: Range,
  onOutcome: (outcome: Pick<Outcome, 'seed' | 'violation'>) => void,
): Promise<void> {
  for (let index = 0; index < seeds; index++) {
    const { seed, violation } = await simulate(from + index * step)
    onOutcome({ seed, violation })
  }
}

function workApart(range: Range, onOutcome: (outcome: Pick<Outcome, 'seed' | 'violation'>) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const worker = new Worker(new URL(import.meta.url), { workerData: range })
  worker.on('message', onOutcome).on('error', reject)
  worker.on('exit', code => (code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`))))
  return promise
}

function tell({ seed, violation }: Pick<Outcome, 'seed' | 'violation'>): void {
  console.error(`seed ${seed} violates ${violation?.invariant}: ${violation?.message}`)
  console.error(`  replay: npm run simulate -- --seed ${seed} --trace`)
}
