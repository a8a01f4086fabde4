import { keyOf } from '../../../crds/contract/resource.ts'
import type { RevisionView } from '../../api/contract.ts'
import { isUnreachable } from '../answer.ts'
import { type ChangeOptions, changeFeed, declaredSpec, newGeneration, type Subject, type Wish } from '../change.ts'
import type { Context } from '../context.ts'
import { type ExitCode, exitCodes, refused, trouble } from '../exit.ts'
import { revisionRows } from '../records.ts'
import { resourceOf } from '../reference.ts'
import { renderTable } from '../table.ts'

export type RollbackOptions = ChangeOptions & { to?: string; release?: boolean }

/**
 * `--to N` declares an earlier revision, exactly as it was; `--release` goes back to the declared inputs. With neither it lists the
 * revisions and changes nothing (exit 2).
 */
export async function rollback(context: Context, name: string, options: RollbackOptions): Promise<ExitCode> {
  if (options.release) return changeFeed(context, name, options, release)
  const revisions = await revisionsOf(context, name)
  if (options.to === undefined) return choose(context, name, revisions ?? [])
  const revision = numberOf(options.to)
  if (revisions !== undefined) refuseUnfit(revision, revisions)
  return changeFeed(context, name, options, subject => pin(subject, revision))
}

function pin(subject: Subject, revision: number): Wish {
  if (declaredSpec(subject).revision === revision) return { already: `revision ${revision} is declared already` }
  return { change: { path: ['spec', 'revision'], value: revision }, goal: newGeneration(subject) }
}

function release(subject: Subject): Wish {
  if (declaredSpec(subject).revision === undefined) return { already: 'no revision is pinned' }
  return { change: { path: ['spec', 'revision'], value: undefined }, goal: newGeneration(subject) }
}

// Without the controller nobody knows the revisions; the edit is still possible with --manifests.
async function revisionsOf(context: Context, name: string): Promise<RevisionView[] | undefined> {
  try {
    const view = await resourceOf(context, 'Feed', name)
    return await context.controller.revisions(keyOf(view.metadata))
  } catch (error) {
    if (isUnreachable(error) && context.manifests !== undefined) return undefined
    throw error
  }
}

function choose({ terminal }: Context, name: string, revisions: RevisionView[]): ExitCode {
  terminal.out(renderTable(['REVISION', 'STATE', 'AGE', 'IMAGE', 'CHANGES'], revisionRows(revisions, terminal.now())))
  terminal.err(`choose one: feedctl rollback ${name} --to N\n`)
  return exitCodes.trouble
}

function numberOf(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw trouble(`--to ${text} is no revision`, 'write its number, such as --to 3')
  return Number(text)
}

function refuseUnfit(revision: number, revisions: RevisionView[]): void {
  const found = revisions.find(one => one.revision === revision)
  const fit = revisions.filter(one => one.state !== 'failed').map(one => one.revision)
  const hint = `revisions that can be rolled back to: ${fit.join(', ') || 'none'}`
  if (found === undefined) throw refused(`revision ${revision} is not kept`, hint)
  if (found.state === 'failed')
    throw refused(`revision ${revision} failed${found.reason === undefined ? '' : `: ${found.reason}`}`, hint)
}
