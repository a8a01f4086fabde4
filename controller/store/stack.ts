import type { DatabaseSync } from 'node:sqlite'
import type { StackSpec } from '../../crds/stack.ts'

/** Where a Stack runs, or ran, and which services of the project it has brought up: those and no others it may remove. */
export type Placement = {
  /** `namespace/name` of the Host. */
  host: string
  project: string
  services: string[]
  /** As it was declared last. */
  deletionPolicy: StackSpec['deletionPolicy']
}

/** Times are ms since 1970. */
export type Repair = {
  /** Since when its health check fails. */
  unhealthySince?: number
  /** Repairs in a row, and when the last one was begun. */
  count: number
  at: number
}

/** What is remembered of a Stack. A placement is persisted before the first container of it is made. */
export type StackMemory = {
  placements: Placement[]
  /**
   * By service: what Compose has made of a declaration, where the label of its container does not say so itself: for a service with an
   * `env_file` Compose computes one hash when it is asked and another when it makes the container.
   */
  accepted: Record<string, { digest: string; hash: string }>
  repairs: Record<string, Repair>
  /** By service: digest of the files that it read when it was started, or was told to read them again. */
  configurations: Record<string, string>
}

export type StackStore = {
  get(stack: string): StackMemory | undefined
  /** Stacks that are remembered, declared or not. */
  list(): string[]
  /** Writes where it differs. */
  put(stack: string, memory: StackMemory): void
  remove(stack: string): void
}

export function stackStore(database: DatabaseSync): StackStore {
  const select = database.prepare('SELECT memory FROM stack WHERE key = ?')
  const keys = database.prepare('SELECT key FROM stack ORDER BY key')
  const upsert = database.prepare('INSERT OR REPLACE INTO stack VALUES (?, ?)')
  const remove = database.prepare('DELETE FROM stack WHERE key = ?')
  return {
    get: stack => {
      const text = select.get(stack)?.memory as string | undefined
      return text === undefined ? undefined : (JSON.parse(text) as StackMemory)
    },
    list: () => keys.all().map(row => String(row.key)),
    put(stack, memory) {
      const text = JSON.stringify(memory)
      if (select.get(stack)?.memory !== text) upsert.run(stack, text)
    },
    remove: stack => void remove.run(stack),
  }
}
