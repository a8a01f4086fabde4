import type { ResourceEvent } from '../crds/contract/event.ts'

/** Something that a watcher of the controller is told: look at this resource again, or read this event. */
export type Notice = { type: 'resource'; kind: string; key: string } | { type: 'event'; event: ResourceEvent }

/** Passes notices on to whoever listens now; keeps none. */
export type Hub = {
  publish(notice: Notice): void
  /** Returns how to stop listening. */
  subscribe(listener: (notice: Notice) => void): () => void
}

export function openHub(): Hub {
  const listeners = new Set<(notice: Notice) => void>()
  return {
    publish(notice) {
      for (const listener of listeners) listener(notice)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
