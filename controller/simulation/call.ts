import { transient } from '../../crds/contract/fault.ts'
import type { CallKind, Fates } from './fate.ts'
import type { Life } from './life.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'
import type { Trace } from './trace.ts'

/** The way between a controller and everything that it calls. */
export type Line = {
  life: Life
  fates: Fates
  random: Random
  scheduler: Scheduler
  trace: Trace
  answers: Answers
  astray: Astray
}

/** Newest answer of each read, by the call's text. */
export type Answers = Map<string, { at: number; value: unknown }>

/** Calls that hang: their caller waits still, or their effect is to come, whatever the caller believes by now. */
export type Astray = Set<Call<unknown>>

export type Call<T> = {
  /** Who is called. */
  to: string
  /** The call and its arguments, in words without a secret. */
  text: string
  kind: CallKind
  /** ms after which the caller gives up. */
  deadlineMs: number
  signal?: AbortSignal | undefined
  effect: () => T | Promise<T>
}

/** One way takes up to so long, in ms. */
const slowestMs = 8

/** How much later than the caller's deadline an effect may come, in ms. */
const latestMs = 20_000

/** Older answers are not given again, in ms: a cache that is older would be a fault of another kind. */
const stalestMs = 2000

/** Makes the call, and lets happen to it what fate has for it. */
export async function make<T>(call: Call<T>, line: Line): Promise<T> {
  const { life, fates, random, scheduler, trace } = line
  if (life.isOver) return life.lasting(new Promise<never>(() => undefined))
  const fate = fates.of(call.kind)
  const tell = (what: string) => trace.add(call.to, `${call.text} ${what}`)
  if (fate !== 'goes-well') tell(fate)
  if (fate === 'crashes-before') return die(life)
  await scheduler.sleep(random.between(0, slowestMs))
  if (fate === 'fails-before') return fail(call, life)
  if (fate === 'hangs') {
    goAstray(call, call.deadlineMs, line, () => undefined)
    return hang(call, line)
  }
  if (fate === 'lands-late') {
    goAstray(call, call.deadlineMs + random.between(1, latestMs), line, () => {
      tell('lands')
      carryOut(call).catch(() => undefined)
    })
    return hang(call, line)
  }
  const outcome = carryOut(call)
  const told = outcome.then(
    () => tell('ok'),
    error => tell(`error ${error instanceof Error ? error.message : String(error)}`),
  )
  await told
  if (fate === 'fails-after') return outcome.then(() => fail(call, life))
  await life.sleep(random.between(0, slowestMs))
  if (fate === 'crashes-after') return die(life)
  return life.lasting(call.kind === 'read' ? outcome.then(value => remembered(call, value, fate === 'is-stale', line)) : outcome)
}

function goAstray(call: Call<unknown>, ms: number, { astray, scheduler }: Line, onEnd: () => void): void {
  astray.add(call)
  scheduler.after(ms, () => {
    astray.delete(call)
    onEnd()
  })
}

async function carryOut<T>({ effect }: Call<T>): Promise<T> {
  return effect()
}

function remembered<T>({ to, text }: Call<T>, value: T, isStale: boolean, { answers, scheduler }: Line): T {
  const id = `${to} ${text}`
  const before = answers.get(id)
  if (isStale && before && scheduler.now() - before.at <= stalestMs) return before.value as T
  answers.set(id, { at: scheduler.now(), value })
  return value
}

function die(life: Life): Promise<never> {
  life.end()
  return life.lasting(new Promise<never>(() => undefined))
}

function fail({ to, text }: Call<unknown>, life: Life): Promise<never> {
  return life.lasting(Promise.reject(transient('ConnectionReset', `${to}: ${text}: the connection was cut`)))
}

/** As every engine and client promises: a call ends by its own deadline, or by its signal. */
async function hang({ to, text, deadlineMs, signal }: Call<unknown>, { life, scheduler }: Line): Promise<never> {
  const aborted = new Promise<void>(resolve => signal?.addEventListener('abort', () => resolve(), { once: true }))
  await life.lasting(Promise.race([scheduler.sleep(deadlineMs), aborted]))
  throw transient('EngineTimeout', `${to}: ${text} took longer than ${deadlineMs} ms`)
}
