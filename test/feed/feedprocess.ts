import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Account, Desired } from '../../crds/contract/desired.ts'
import { type FeedEvent, type FeedReport, feedReportSchema } from '../../crds/contract/feedstatus.ts'
import type { Tick } from '../../crds/contract/tick.ts'
import { until } from '../services/deadline.ts'

const token = 'a-token-of-the-feed-test'
const feedMain = join(import.meta.dirname, '../../feed/main.ts')

/** The real feed in a process of its own, over a directory that outlives it. */
export class FeedProcess {
  readonly directory: string
  #process: ChildProcess | undefined
  #base = ''

  constructor(directory: string) {
    this.directory = directory
  }

  /** Writes what a controller writes before it starts a feed. */
  async prepare(desired: Desired, passwords: Partial<Record<Account, string>> = {}): Promise<void> {
    await writeFile(join(this.directory, 'desired.json'), JSON.stringify(desired))
    await writeFile(join(this.directory, 'token'), token)
    for (const account of desired.launch.accounts)
      await this.writeSecrets(account, passwords[account] ?? `password-of-${account}`)
  }

  async writeSecrets(account: Account, password: string): Promise<void> {
    const directory = join(this.directory, 'secrets', account)
    await mkdir(directory, { recursive: true })
    await writeFile(join(directory, 'BROKER_ID'), '9999')
    await writeFile(join(directory, 'USER_ID'), account)
    await writeFile(join(directory, 'PASSWORD'), password)
  }

  async start(environment: Record<string, string> = {}): Promise<void> {
    const own = { FEEDPLANE_DIRECTORY: this.directory, FEEDPLANE_PORT: '0', LOG_LEVEL: 'error', TZ: 'UTC' }
    const env = { ...process.env, ...own, ...environment }
    const portFile = join(this.directory, 'state/port')
    await writeFile(portFile, '').catch(() => undefined)
    this.#process = spawn(process.execPath, [feedMain], { env, stdio: ['ignore', 'ignore', 'inherit'] })
    const port = await until('the feed to listen', async () => Number(await readFile(portFile, 'utf8')) || undefined)
    this.#base = `http://127.0.0.1:${port}`
  }

  get pid(): number {
    return this.#process?.pid ?? 0
  }

  /** SIGTERM; answers the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const exit = once(child, 'exit')
    child.kill(signal)
    const [code] = (await exit) as [number | null]
    return code
  }

  get(path: string, headers: Record<string, string> = { authorization: `Bearer ${token}` }): Promise<Response> {
    return fetch(`${this.#base}${path}`, { headers })
  }

  async put(body: unknown, path = '/v1/desired'): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await fetch(`${this.#base}${path}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  async post(path: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
    const headers = { authorization: `Bearer ${token}` }
    const response = await fetch(`${this.#base}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  async status(): Promise<FeedReport> {
    return feedReportSchema.parse(await (await this.get('/v1/status')).json())
  }

  async events(): Promise<FeedEvent[]> {
    const { events } = (await (await this.get('/v1/events?follow=false')).json()) as { events: FeedEvent[] }
    return events
  }

  async isReady(): Promise<boolean> {
    return (await this.get('/readyz', {})).ok
  }

  /** Follows published ticks until the signal ends. Throws where the feed dropped any on the way here. */
  async tap(instruments: string[], take: (tick: Tick) => void, signal: AbortSignal): Promise<void> {
    const url = `${this.#base}/v1/ticks?instrument=${instruments.join(',')}`
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` }, signal })
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString()
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) takeBlock(block, take)
    }
  }
}

function takeBlock(block: string, take: (tick: Tick) => void): void {
  if (block.startsWith('event: dropped')) throw new Error(`the tap dropped ticks: ${block}`)
  const data = /^data: (.*)$/m.exec(block)?.[1]
  if (data !== undefined) take(JSON.parse(data) as Tick)
}
