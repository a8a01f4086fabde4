import { type ExitCode, stageCodes } from '../exit.ts'
import type { Terminal } from '../terminal.ts'

export type StageName = keyof typeof stageCodes

/** Why a stage did not do what it should, and what to do about it. */
export class StageFailure extends Error {
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.name = 'StageFailure'
    this.hint = hint
  }
}

/** One step of a runbook. `run` resolves to what it came to, in a sentence, and rejects where it failed. */
export type Stage = { name: StageName; run: () => Promise<string> }

/** How a stage ended: one line of the log. */
export type StageRecord = {
  at: string
  runbook: string
  window: string
  stage: StageName
  result: 'ok' | 'failed'
  code: ExitCode
  seconds: number
  message: string
  hint?: string
}

/**
 * Runs the stages of a runbook one after the other and writes one JSON line for each as it ends. The first that fails ends it: what comes after would
 * stand on it.
 */
export async function runStages(
  stages: Stage[],
  { runbook, window }: { runbook: string; window: string },
  { out, now }: Pick<Terminal, 'out' | 'now'>,
): Promise<StageRecord[]> {
  const records: StageRecord[] = []
  for (const { name, run } of stages) {
    const began = now()
    const ended = await run().then(
      message => ({ result: 'ok' as const, code: 0 as const, message }),
      (error: Error & { hint?: string }) => ({
        ...{ result: 'failed' as const, code: stageCodes[name], message: error.message },
        ...(error.hint !== undefined && { hint: error.hint }),
      }),
    )
    const seconds = Math.round((now() - began) / 100) / 10
    const record: StageRecord = { at: new Date(now()).toISOString(), runbook, window, stage: name, seconds, ...ended }
    out(`${JSON.stringify(record)}\n`)
    records.push(record)
    if (record.result === 'failed') break
  }
  return records
}
