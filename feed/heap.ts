import { setFlagsFromString } from 'node:v8'

/**
 * Sets Node's memory for a process of a feed. To be called once, at the start.
 *
 * V8 marks a heap of 20 to 40 MB anew when it has grown by 2 to 15, which a flip of 20,000 instruments makes it do: in half of the flips the old account, the
 * new one and the supervisor marked for 20 to 60 ms each while no gate was open. So it may double first.
 */
export function tuneHeap(): void {
  setFlagsFromString('--heap-growing-percent=100')
}
