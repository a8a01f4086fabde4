import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import type { Summary } from '../../controller/tour/tour.ts'
import { until } from '../services/deadline.ts'
import { processPlaces } from './leak.ts'

const root = resolve(import.meta.dirname, '../..')

let child: ChildProcess | undefined

afterEach(async () => {
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  process.kill(-child.pid, 'SIGINT')
  await exit
})

/** As a terminal does it: a group of its own, which Ctrl-C reaches as a whole. */
function npmStart(...args: string[]) {
  const started = spawn('npm', ['start', '--silent', ...args], { cwd: root, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  child = started
  return { started, out: text(started.stdout), exit: once(started, 'exit') as Promise<[number | null]> }
}

/** Processes and files that a run of it would leave. */
async function remains(folder: string): Promise<string[]> {
  const places = await processPlaces()
  const processes = places.filter(place => place.text.includes(`.feedplane/${folder}/`)).map(({ name }) => name)
  return [...processes, ...(existsSync(join(root, '.feedplane', folder)) ? [folder] : [])]
}

describe('npm start', () => {
  it('-- --tour plays its story, tells it in one line of JSON, and leaves nothing behind', async () => {
    const { started, out, exit } = npmStart('--', '--tour')
    const told = text(started.stderr)
    const [code] = await exit
    expect({ code, told: await told }).toMatchObject({ code: 0 })
    const summary = JSON.parse(await out) as Summary
    expect(summary.ok).toBe(true)
    expect(summary.steps.map(({ step, ok }) => [step, ok])).toEqual([
      ['ready', true],
      ['ticks flow', true],
      ['failover by edit', true],
      ['broken image rolls back', true],
      ['edit taken back', true],
    ])
    expect(summary.ticks).toMatchObject({ duplicates: 0, stale: 0, malformed: 0 })
    expect(await remains('tour')).toEqual([])
  })

  it('says what runs and what to try, and Ctrl-C ends all of it', async () => {
    const { started, exit } = npmStart()
    let said = ''
    started.stderr.setEncoding('utf8').on('data', chunk => {
      said += chunk
    })
    await until(
      'the last line of what it says',
      () => said.includes('Ctrl-C ends all of it.') || started.exitCode !== null,
      60_000,
    )
    expect(said).toMatch(/✓ Ready[\s\S]*tick CZCE|✓ Ready[\s\S]*tick CFFEX/)
    expect((await remains('quickstart')).length).toBeGreaterThan(0)
    process.kill(-(started.pid ?? 0), 'SIGINT')
    await exit
    await until('everything to be gone', async () => (await remains('quickstart')).length === 0)
  })
})
