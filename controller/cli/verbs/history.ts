import { keyOf } from '../../../crds/contract/resource.ts'
import type { Context } from '../context.ts'
import { renderDocument } from '../document.ts'
import { type ExitCode, exitCodes } from '../exit.ts'
import { revisionRows } from '../records.ts'
import { resourceOf } from '../reference.ts'
import { renderTable } from '../table.ts'

/** The revisions of a feed, newest first: what each changed, whether it proved itself, and if not why. */
export async function history(context: Context, name: string, options: { output: 'table' | 'json' }): Promise<ExitCode> {
  const { terminal, controller } = context
  const revisions = await controller.revisions(keyOf((await resourceOf(context, 'Feed', name)).metadata))
  if (options.output === 'json') terminal.out(await renderDocument(revisions, 'json'))
  else terminal.out(renderTable(['REVISION', 'STATE', 'AGE', 'IMAGE', 'CHANGES'], revisionRows(revisions, terminal.now())))
  return exitCodes.ok
}
