import { randomUUID } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import * as z from 'zod'
import { accounts, type Desired, desiredSchema, feedDirectory, type InstrumentGroup } from '../../crds/contract/desired.ts'
import { stalled } from '../../crds/contract/fault.ts'
import type { FeedReport } from '../../crds/contract/feedstatus.ts'
import { type Columns, columnsOf, type Position, rowsOf } from '../session/position.ts'

export type Override = NonNullable<FeedReport['override']>

/** What a feed starts from. */
export type Saved = { desired: Desired; override: Override | undefined; position: Position | undefined }

type SavedPosition = Omit<Position, 'rows'> & Columns

/** Of what was saved, before it is checked. */
type SavedDesired = { live?: { instrumentGroups?: unknown } }

const instrumentsFile = 'instruments.json'

const overrideSchema = z.object({ active: z.enum(accounts), epoch: z.int(), since: z.number(), reason: z.string() })

/** The feed's own files below `state/`: written whole, synced and renamed, so that a reader sees the old or the new. */
export class StateDirectory {
  readonly #directory: string
  readonly #state: string
  /** Those on disk, once they were saved here. */
  #savedGroups: InstrumentGroup[] | undefined

  constructor(directory: string) {
    this.#directory = directory
    this.#state = join(directory, feedDirectory.state)
    mkdirSync(this.#state, { recursive: true, mode: 0o700 })
  }

  /**
   * The newer of the controller's file and the last accepted desired state; the accepted one where both have the same epoch and
   * revision. Throws a stalled Fault `DesiredInvalid` where neither can be read.
   */
  load(): Saved {
    const given = this.#readDesired(this.#directory)
    const accepted = this.#readDesired(this.#state)
    const desired = newerOf(given.desired, accepted.desired)
    if (desired === undefined) throw given.error
    const override = this.#readOverride()
    const holds = override !== undefined && override.epoch >= desired.epoch
    return { desired, override: holds ? override : undefined, position: this.#readPosition() }
  }

  /** The instruments, which can be a megabyte, lie in a file of their own: a flip waits for this, and seldom brings others. */
  saveDesired(desired: Desired): void {
    const { instrumentGroups, ...live } = desired.live
    if (instrumentGroups !== this.#savedGroups) this.#replace(instrumentsFile, JSON.stringify(instrumentGroups), true)
    this.#savedGroups = instrumentGroups
    this.#replace(feedDirectory.desired, JSON.stringify({ ...desired, live }), true)
  }

  saveOverride(override: Override | undefined): void {
    if (override === undefined) rmSync(join(this.#state, 'override.json'), { force: true })
    else this.#replace('override.json', JSON.stringify(override), true)
  }

  /** Not synced: after a power cut an older position makes the sequences jump, which consumers see as a gap. */
  savePosition(position: Position): void {
    const { exact, at, instruments } = position
    this.#replace('position', serialize({ exact, at, instruments, ...columnsOf(position) }), false)
  }

  savePort(port: number): void {
    this.#replace('port', `${port}\n`, false)
  }

  /** Who this process is on the bus, over its restarts: where it runs, and a number of its own. */
  holder(): string {
    const known = this.#readHolder()
    if (known !== undefined) return known
    const holder = `${hostname()}/${randomUUID()}`
    this.#replace('holder', holder, true)
    return holder
  }

  #readHolder(): string | undefined {
    try {
      return readFileSync(join(this.#state, 'holder'), 'utf8') || undefined
    } catch {
      return undefined
    }
  }

  #readDesired(directory: string): { desired?: Desired; error?: unknown } {
    const path = join(directory, feedDirectory.desired)
    try {
      return { desired: desiredSchema.parse(this.#withInstruments(readJson(path))) }
    } catch (error) {
      return { error: stalled('DesiredInvalid', `${path} cannot be read as a desired state${placeOf(error)}`, error) }
    }
  }

  // The controller's file has them, as has what an older feed saved.
  #withInstruments(desired: SavedDesired): unknown {
    if (desired.live === undefined || desired.live.instrumentGroups !== undefined) return desired
    return { ...desired, live: { ...desired.live, instrumentGroups: readJson(join(this.#state, instrumentsFile)) } }
  }

  #readOverride(): Override | undefined {
    try {
      return overrideSchema.parse(JSON.parse(readFileSync(join(this.#state, 'override.json'), 'utf8')))
    } catch {
      return undefined
    }
  }

  #readPosition(): Position | undefined {
    try {
      const { exact, at, instruments, ...columns } = deserialize(readFileSync(join(this.#state, 'position'))) as SavedPosition
      return typeof instruments === 'string' ? { exact, at, instruments, rows: rowsOf(columns) } : undefined
    } catch {
      return undefined
    }
  }

  #replace(name: string, content: string | Buffer, isSynced: boolean): void {
    const path = join(this.#state, name)
    const draft = `${path}.new`
    writeFileSync(draft, content, { mode: 0o600, flush: isSynced })
    renameSync(draft, path)
    if (isSynced) syncDirectory(this.#state)
  }
}

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'))

/** Where it does not fit the schema. */
function placeOf(error: unknown): string {
  const issue = error instanceof z.ZodError ? error.issues[0] : undefined
  return issue === undefined ? '' : `: ${issue.path.join('.')}: ${issue.message}`
}

function newerOf(given: Desired | undefined, accepted: Desired | undefined): Desired | undefined {
  if (given === undefined || accepted === undefined) return given ?? accepted
  if (given.epoch !== accepted.epoch) return given.epoch > accepted.epoch ? given : accepted
  return given.revision > accepted.revision ? given : accepted
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
