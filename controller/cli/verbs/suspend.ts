import { type ChangeOptions, changeFeed, declaredSpec, newGeneration } from '../change.ts'
import type { Context } from '../context.ts'
import type { ExitCode } from '../exit.ts'

/** Stops reconciling a feed. The feed itself goes on publishing. */
export function suspend(context: Context, name: string, options: ChangeOptions): Promise<ExitCode> {
  return changeFeed(context, name, options, subject => {
    if (declaredSpec(subject).suspend === true) return { already: 'it is suspended already' }
    return { change: { path: ['spec', 'suspend'], value: true }, goal: { ...newGeneration(subject), takenOnly: true } }
  })
}
