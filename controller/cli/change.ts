import { keyOf } from '../../crds/contract/resource.ts'
import type { KindName } from '../../crds/kinds.ts'
import type { ResourceView } from '../api/contract.ts'
import { formatProblem } from '../sources/validation.ts'
import { isUnreachable } from './answer.ts'
import { durationMsOf } from './argument.ts'
import type { Context } from './context.ts'
import type { Goal } from './convergence.ts'
import type { Edited, Identity } from './declaration.ts'
import { type ExitCode, ExitError, exitCodes, refused, trouble } from './exit.ts'
import { follow, newestEvent } from './follow.ts'
import { asFeed, type FeedView } from './health.ts'
import { draftEdit, errorsIn, findManifests, type Place, readManifest, writeDraft } from './manifest.ts'
import { resourceOf, splitName } from './reference.ts'
import type { Change } from './splice.ts'
import { paint } from './terminal.ts'

export type ChangeOptions = { wait?: boolean; timeout: string; output?: string }

/** A resource as its file declares it now (`declared`: as written, without defaults), and as the controller sees it, where it answers. */
export type Found = { identity: Identity; place: Place; declared: Record<string, unknown>; view: ResourceView | undefined }

/** The same of a feed. */
export type Subject = Omit<Found, 'view'> & { view: FeedView | undefined }

/** What a verb wants: an edit, or none and why. `goal` is what `--wait` waits for. */
export type Wish = { change?: Change; already?: string; goal?: Goal }

/**
 * The one way in which feedctl changes anything: finds the feed's declaration, asks the verb what to edit, edits the file, says
 * where and what, and with `--wait` follows the convergence to its end.
 */
export async function changeFeed(
  context: Context,
  name: string,
  options: ChangeOptions,
  decide: (subject: Subject) => Wish,
): Promise<ExitCode> {
  durationMsOf('--timeout', options.timeout)
  const found = await findDeclared(context, 'Feed', name)
  const subject: Subject = { ...found, view: found.view && asFeed(found.view) }
  const { change, already, goal = {} } = decide(subject)
  if (options.wait && (change !== undefined || goal.active !== undefined)) refuseVainWait(subject, change)
  const afterEvent = options.wait ? await newestEvent(context, keyOf(subject.identity)) : 0
  if (change === undefined) context.terminal.err(`${keyOf(subject.identity)}: ${already}; nothing was edited\n`)
  else await edit(context, subject, change, options.output)
  if (!options.wait || subject.view === undefined) return afterwards(context, subject, change)
  if (change === undefined && already !== undefined && Object.keys(goal).length === 0) return exitCodes.ok
  return follow(context, subject.view, { timeout: options.timeout, output: options.output, afterEvent, goal })
}

/** The generation before the edit, for a goal that is not fooled by the Ready of before. */
export function newGeneration({ view }: Subject): Goal {
  return view === undefined ? {} : { afterGeneration: view.metadata.generation }
}

/** A member of the spec as the file has it. */
export function declaredSpec({ declared }: Subject): Record<string, unknown> {
  return (declared.spec ?? {}) as Record<string, unknown>
}

/** Where a resource is declared: as the controller says, or, while it is away, in the folder that the operator named. */
export async function findDeclared(context: Context, kind: KindName, name: string): Promise<Found> {
  const view = await viewOrAway(context, kind, name)
  const found = view === undefined ? await scan(context, kind, name) : await placeOf(context, view)
  const declared = await readManifest(found.place, found.identity)
  if (declared === undefined)
    throw refused(
      `${found.place.file} no longer declares ${kind} ${keyOf(found.identity)}`,
      'the file changed since the controller read it: try again in a moment',
    )
  return { ...found, declared, view }
}

async function viewOrAway(context: Context, kind: KindName, name: string): Promise<ResourceView | undefined> {
  try {
    return await resourceOf(context, kind, name)
  } catch (error) {
    if (!isUnreachable(error)) throw error
    if (context.manifests === undefined) throw withHint(error as ExitError)
    context.terminal.err(`${(error as ExitError).message}; editing ${context.manifests}, which it takes over when it is back\n`)
    return undefined
  }
}

function withHint(error: ExitError): ExitError {
  return trouble(
    error.message,
    `${error.hint}; to edit without it, name the folder of manifests with --manifests DIR or FEEDPLANE_MANIFESTS`,
    error.cause,
  )
}

async function placeOf(context: Context, view: ResourceView): Promise<{ place: Place; identity: Identity }> {
  const identity = { kind: view.kind, namespace: view.metadata.namespace, name: view.metadata.name }
  if (view.origin === undefined) throw refused(`${keyOf(identity)} is no longer declared anywhere`, 'declare it again')
  const isHere = await readManifest(view.origin, identity).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error instanceof ExitError) throw error
      return false
    },
  )
  if (isHere) return { place: view.origin, identity }
  if (context.manifests !== undefined) return scan(context, view.kind, keyOf(identity))
  throw refused(
    `${view.origin.file}, where the controller reads ${keyOf(identity)}, is not a file of this machine`,
    'name the folder here with --manifests DIR or FEEDPLANE_MANIFESTS',
  )
}

async function scan(context: Context, kind: KindName, name: string): Promise<{ place: Place; identity: Identity }> {
  const directory = context.manifests ?? '.'
  const found = await findManifests(directory, { kind, ...splitName(name, context.namespace) }, context.signal)
  const [only] = found
  if (only === undefined) throw trouble(`no file below ${directory} declares ${kind} ${name}`)
  if (found.length > 1)
    throw trouble(
      `${found.length} places declare ${kind} ${name}: ${found.map(one => `${one.file} (${keyOf(one.identity)})`).join(', ')}`,
      'write NAMESPACE/NAME, and declare it once',
    )
  return { place: { file: only.file }, identity: only.identity }
}

/** Edits the file, and says where and what. Refuses what would leave it invalid. */
export async function edit(
  context: Context,
  subject: Omit<Found, 'view'>,
  change: Change,
  output: string | undefined,
): Promise<void> {
  const draft = await draftEdit(subject.place, subject.identity, change)
  refuseInvalid(subject, draft.edited.text)
  await writeDraft(draft)
  const { out, outColour } = context.terminal
  out(
    output === 'json'
      ? `${JSON.stringify(editRecord(subject, draft.edited))}\n`
      : renderEdit(subject.place.file, draft.edited, outColour),
  )
}

function editRecord({ identity, place }: Omit<Found, 'view'>, { line, before, after }: Edited): Record<string, unknown> {
  return { type: 'edit', subject: keyOf(identity), file: place.file, line, before, after }
}

/** `FILE:LINE` and the lines as they were and are. */
export function renderEdit(file: string, { line, before, after }: Edited, colour: boolean): string {
  const removed = before.map(text => `${paint(`- ${text}`, 'bad', colour)}\n`)
  const added = after.map(text => `${paint(`+ ${text}`, 'good', colour)}\n`)
  return `${file}:${line}\n${removed.join('')}${added.join('')}`
}

// The controller takes nothing from a file that has a problem anywhere: an edit of it would say done and do nothing.
function refuseInvalid({ place }: Omit<Found, 'view'>, text: string): void {
  const [problem, ...others] = errorsIn(place.file, text)
  if (problem === undefined) return
  const more = others.length === 0 ? '' : `\n(${others.length} more: \`feedctl validate ${place.file}\`)`
  throw refused(
    `with that edit the file would not be valid; nothing was edited\n${formatProblem(problem)}${more}`,
    'mend that first: nothing of the file comes into force before',
  )
}

function refuseVainWait({ identity, view, place }: Subject, change: Change | undefined): void {
  if (view === undefined)
    throw trouble(
      `${keyOf(identity)}: --wait needs the controller, and it does not answer; nothing was edited`,
      `without --wait ${place.file} is edited all the same`,
    )
  const resumes = change?.path.join('.') === 'spec.suspend'
  if (view.spec.suspend && !resumes)
    throw refused(
      `${keyOf(identity)} is suspended, so it would never converge; nothing was edited`,
      `\`feedctl resume ${identity.name}\` first, or leave --wait away`,
    )
}

function afterwards({ terminal }: Context, { identity, view }: Subject, change: Change | undefined): ExitCode {
  if (change === undefined) return exitCodes.ok
  const resumes = change.path.join('.') === 'spec.suspend'
  if (view?.spec.suspend && !resumes)
    terminal.err(`${keyOf(identity)} is suspended: the edit takes effect after \`feedctl resume ${identity.name}\`\n`)
  else if (!resumes) terminal.err(`follow it with \`feedctl rollout ${identity.name}\`\n`)
  return exitCodes.ok
}
