import { readdirSync, readFileSync } from 'node:fs'

/** What a process holds of the machine. */
export type Usage = { descriptors: number; memoryBytes: number }

/** Read from `/proc`. Throws where the process is gone. */
export function usageOf(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? []
  return { descriptors: readdirSync(`/proc/${pid}/fd`).length, memoryBytes: Number(kilobytes) * 1024 }
}
