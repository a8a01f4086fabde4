import type { Context } from '../context.ts'
import { type ExitCode, exitCodes } from '../exit.ts'
import { explain as explanationOf, splitPath } from '../explanation.ts'
import { kindOf } from '../reference.ts'

/** What a kind or one of its members is, from the schema that validates it. */
export async function explain({ terminal }: Context, text: string): Promise<ExitCode> {
  const { kind, path } = splitPath(text)
  terminal.out(explanationOf(kindOf(kind), path))
  return exitCodes.ok
}
