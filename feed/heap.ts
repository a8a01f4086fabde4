import { setFlagsFromString } from 'node:v8'

/**
 * Sets Node's memory for a process of a feed. To be called once, at the start.
 *
 * V8 marks a heap of 20 to 40 MB anew when it has grown by 2 to 15, and a flip of 20,000 instruments leaves as much behind: either account and the supervisor
 * marked every second or two, for 20 to 60 ms, often in the middle of a flip. So it may double first (docs/reference/performance.md).
 */
export function tuneHeap(): void {
  setFlagsFromString('--heap-growing-percent=100')
}
