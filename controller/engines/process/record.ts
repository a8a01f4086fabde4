import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'

/** What the process engine keeps of a workload, `workload.json` in its folder. Never a file's content. */
export const recordSchema = z.object({
  version: z.literal(1),
  id: z.string(),
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  image: z.string(),
  entry: z.string(),
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
  memoryBytes: z.number(),
  logMaxBytes: z.number(),
  logMaxFiles: z.number(),
  stopGraceMs: z.number(),
  /** What was asked for last: the truth where the process says otherwise. */
  wanted: z.enum(['created', 'running', 'stopped']),
  process: z.object({ pid: z.number(), startTicks: z.number(), bootId: z.string() }).optional(),
  startedAt: z.number().optional(),
  restarts: z.number(),
  exitCode: z.number().optional(),
  outOfMemory: z.boolean(),
})

export type WorkloadRecord = z.infer<typeof recordSchema>

const fileName = 'workload.json'

/** `undefined` where there is none: a workload exists once its record does. Throws where it cannot be understood. */
export async function readRecord(folder: string): Promise<WorkloadRecord | undefined> {
  const path = join(folder, fileName)
  const text = await readFile(path, 'utf8').catch(error => (error.code === 'ENOENT' ? undefined : Promise.reject(error)))
  return text === undefined ? undefined : recordSchema.parse(JSON.parse(text))
}

/** Deletes a workload's folder, the record first, so that what a crash leaves behind is no workload. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(join(folder, fileName), { force: true })
  await rm(folder, { recursive: true, force: true })
}

/** Replaces the record whole: whoever reads it, after a crash too, finds the one before or this one. */
export async function writeRecord(folder: string, record: WorkloadRecord): Promise<void> {
  await replaceFile(join(folder, fileName), JSON.stringify(record), 0o600)
}

/** Writes beside, syncs and renames. */
export async function replaceFile(path: string, content: string, mode: number): Promise<void> {
  const beside = `${path}.${randomBytes(4).toString('hex')}.tmp`
  try {
    const file = await open(beside, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}
