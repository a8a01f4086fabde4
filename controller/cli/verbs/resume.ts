import { type ChangeOptions, changeFeed, declaredSpec, newGeneration } from '../change.ts'
import type { Context } from '../context.ts'
import type { ExitCode } from '../exit.ts'

/** Takes reconciling up again after `suspend`. */
export function resume(context: Context, name: string, options: ChangeOptions): Promise<ExitCode> {
  return changeFeed(context, name, options, subject => {
    if (declaredSpec(subject).suspend !== true) return { already: 'it is not suspended' }
    return { change: { path: ['spec', 'suspend'], value: false }, goal: newGeneration(subject) }
  })
}
