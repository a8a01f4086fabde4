import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConsumerCounts } from '../../feed/client/consumer.ts'
import { isTrue } from '../cli/health.ts'
import { openTap, type Tap } from './ticks.ts'
import { untilSettled } from './watch.ts'

/** Longest that one step may take, in ms. */
const stepMs = 60_000
const key = 'quickstart/demo'

export type Step = { step: string; ok: boolean; ms: number; detail: string }
export type Summary = { ok: boolean; steps: Step[]; ticks: ConsumerCounts | undefined }

type Stage = { url: string; file: string; tap: Tap; signal: AbortSignal }

/**
 * Plays the story of the README by editing the feed's file as a person would: ready, failover, a broken image that rolls back by
 * itself, and the way back. Each step holds or the tour fails; times are measured from the edit.
 */
export async function takeTour(
  url: string,
  manifests: string,
  startedAt: number,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<Summary> {
  const steps: Step[] = []
  const note = (step: Step) => {
    steps.push(step)
    say(`${step.ok ? '✓' : '✗'} ${step.step}: ${step.detail} (${step.ms} ms)`)
    return step.ok
  }
  if (!note(await ready(url, startedAt, limit(signal)))) return { ok: false, steps, ticks: undefined }
  const tapEnds = new AbortController()
  const tap = openTap(url, key, AbortSignal.any([signal, tapEnds.signal]))
  const stage: Stage = { url, file: join(manifests, 'feed.yaml'), tap, signal }
  let ok = true
  for (const act of [flowing, failover, brokenImage, mended]) ok = ok && note(await act(stage))
  tapEnds.abort()
  await tap.ended
  return { ok, steps, ticks: tap.counts() }
}

/** The feed gets ready from nothing. */
async function ready(url: string, startedAt: number, until: AbortSignal): Promise<Step> {
  const { state, why } = await untilSettled(url, key, {}, until)
  return { step: 'ready', ok: state === 'done', ms: Date.now() - startedAt, detail: why }
}

/** Recorded ticks come out of it. */
async function flowing({ tap, signal }: Stage): Promise<Step> {
  const began = Date.now()
  const { tick, at } = await tap.next(() => true, limit(signal))
  return {
    step: 'ticks flow',
    ok: true,
    ms: at - began,
    detail: `${tick.exchange}.${tick.instrument} last ${tick.last} of ${tick.exchangeTime}`,
  }
}

/** One line of YAML moves publishing to the backup account, without a tick lost or doubled. */
async function failover({ url, file, tap, signal }: Stage): Promise<Step> {
  const until = limit(signal)
  const before = tap.counts()
  const afterGeneration = await generation(url, until)
  const firstTick = tap.next(tick => tick.account === 'backup', until)
  const editedAt = edit(file, 'active: primary', 'active: backup')
  const [{ at, tick }, { state }] = await Promise.all([
    firstTick,
    untilSettled(url, key, { afterGeneration, active: 'backup' }, until),
  ])
  const after = tap.counts()
  const lost = after.missing - before.missing
  const doubled = after.duplicates - before.duplicates
  const ok = state === 'done' && lost === 0 && doubled === 0
  return {
    step: 'failover by edit',
    ok,
    ms: at - editedAt,
    detail: `backup publishes at epoch ${tick.epoch}, ${lost} ticks lost, ${doubled} doubled`,
  }
}

/** An image that crashes is refused by its lack of data, and the last good one comes back by itself. */
async function brokenImage({ url, file, tap, signal }: Stage): Promise<Step> {
  const until = limit(signal)
  const afterGeneration = await generation(url, until)
  const editedAt = edit(file, 'feedplane/feed:1.0 ', 'feedplane/feed:broken ')
  const { state, why, view } = await untilSettled(url, key, { afterGeneration }, until)
  const rolledBackMs = Date.now() - editedAt
  const { tick } = await tap.next(() => true, until)
  const ok = state === 'failed' && isTrue(view, 'RolledBack') && !isTrue(view, 'Ready')
  return { step: 'broken image rolls back', ok, ms: rolledBackMs, detail: `${why}; ticks flow again at epoch ${tick.epoch}` }
}

/** The operator takes the edit back, and the feed is Ready without a restart. */
async function mended({ url, file, tap, signal }: Stage): Promise<Step> {
  const until = limit(signal)
  const afterGeneration = await generation(url, until)
  const editedAt = edit(file, 'feedplane/feed:broken ', 'feedplane/feed:1.0 ')
  const { state, why } = await untilSettled(url, key, { afterGeneration }, until)
  const readyMs = Date.now() - editedAt
  await tap.next(() => true, until)
  return { step: 'edit taken back', ok: state === 'done', ms: readyMs, detail: why }
}

async function generation(url: string, signal: AbortSignal): Promise<number> {
  const response = await fetch(`${url}/api/v1/resources/Feed/${key}`, { signal })
  return ((await response.json()) as { metadata: { generation: number } }).metadata.generation
}

/** Replaces one text by another, as an editor does it: a new file in the place of the old one. Returns when, in ms since 1970. */
function edit(file: string, from: string, to: string): number {
  const text = readFileSync(file, 'utf8')
  if (!text.includes(from)) throw new Error(`${file} does not hold ${from}`)
  writeFileSync(`${file}~`, text.replace(from, to))
  renameSync(`${file}~`, file)
  return Date.now()
}

function limit(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(stepMs)])
}
