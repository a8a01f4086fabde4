import { type ChangeOptions, changeFeed, declaredSpec, newGeneration } from '../change.ts'
import type { Context } from '../context.ts'
import type { ExitCode } from '../exit.ts'

/** Declares a feed Running again. */
export function start(context: Context, name: string, options: ChangeOptions): Promise<ExitCode> {
  return changeFeed(context, name, options, subject => {
    if (declaredSpec(subject).state !== 'Stopped') return { already: 'it is not declared Stopped' }
    return { change: { path: ['spec', 'state'], value: 'Running' }, goal: newGeneration(subject) }
  })
}
