import { activate } from '../activation.ts'
import { type ChangeOptions, changeFeed } from '../change.ts'
import type { Context } from '../context.ts'
import type { ExitCode } from '../exit.ts'

/** Back to the primary account: declares it active, or ends the watchdog's override where it is declared already. */
export function failback(context: Context, name: string, options: ChangeOptions): Promise<ExitCode> {
  return changeFeed(context, name, options, subject => activate(context, subject, 'primary'))
}
