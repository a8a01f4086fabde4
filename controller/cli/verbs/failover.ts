import { activate, publishing } from '../activation.ts'
import { type ChangeOptions, changeFeed } from '../change.ts'
import type { Context } from '../context.ts'
import type { ExitCode } from '../exit.ts'

export type FailoverOptions = ChangeOptions & { to?: 'primary' | 'backup' }

/** Declares the account that does not publish now (or `--to`) active. That edit is the failover. */
export function failover(context: Context, name: string, options: FailoverOptions): Promise<ExitCode> {
  return changeFeed(context, name, options, subject => {
    const other = publishing(subject) === 'primary' ? 'backup' : 'primary'
    return activate(context, subject, options.to ?? other)
  })
}
