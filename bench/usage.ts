import { readFileSync } from 'node:fs'

/** Linux counts CPU time in ticks of this length for every program (USER_HZ). */
const ticksPerSecond = 100
const userTimeField = 11
const systemTimeField = 12

/** What a process has used so far, by the kernel's books: its own CPU time, without its children's, and its resident set. */
export type Usage = { cpuS: number; rssMB: number }

/** Throws where the process has ended. */
export function usageOf(pid: number): Usage {
  // The second field is the command in brackets, and may hold blanks.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  const ticks = Number(fields[userTimeField]) + Number(fields[systemTimeField])
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return { cpuS: ticks / ticksPerSecond, rssMB: Number(kilobytes) / 1000 }
}

/** Processes that this one has started and that still run. */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}
