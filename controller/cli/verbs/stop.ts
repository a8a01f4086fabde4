import { type ChangeOptions, changeFeed, declaredSpec, newGeneration } from '../change.ts'
import type { Context } from '../context.ts'
import type { ExitCode } from '../exit.ts'

/** Declares a feed Stopped: it unsubscribes and ends in order; its container and position are kept. */
export function stop(context: Context, name: string, options: ChangeOptions): Promise<ExitCode> {
  return changeFeed(context, name, options, subject => {
    if (declaredSpec(subject).state === 'Stopped') return { already: 'it is declared Stopped already', goal: { stopped: true } }
    return { change: { path: ['spec', 'state'], value: 'Stopped' }, goal: { ...newGeneration(subject), stopped: true } }
  })
}
