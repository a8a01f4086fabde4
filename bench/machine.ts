import { cpus, loadavg, totalmem } from 'node:os'

/** What the figures were taken on. */
export type Machine = { cpus: number; cpu: string; memoryGB: number; node: string; platform: string; load: number }

export function readMachine(): Machine {
  const list = cpus()
  return {
    cpus: list.length,
    cpu: list[0]?.model.trim() ?? 'unknown',
    memoryGB: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  }
}
