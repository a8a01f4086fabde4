import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { parseFile } from '../sources/document.ts'
import type { Problem } from '../sources/problem.ts'
import { lookAt } from '../sources/tree.ts'
import { formatProblem } from '../sources/validation.ts'
import { type Edited, editDeclaration, type Identity, readDeclaration, readObjects } from './declaration.ts'
import { refused, trouble } from './exit.ts'
import type { Change } from './splice.ts'

export type Wanted = { kind: string; name: string; namespace: string | undefined }

export type Place = { file: string; line?: number }

/** An edit that is worked out and not written yet. */
export type Draft = { place: Place; file: string; before: string; edited: Edited }

/** Works out the change of one member of a declared resource, in memory. Throws as `editDeclaration` does. */
export async function draftEdit(place: Place, identity: Identity, change: Change): Promise<Draft> {
  const file = await realpath(place.file)
  const before = textOf(await readFile(file), place.file)
  return { place, file, before, edited: editDeclaration(before, place.file, identity, change, place.line) }
}

/**
 * Writes a draft: beside the file, synced, and renamed over it, with its mode kept and symbolic links followed. Refuses, and leaves
 * nothing behind, where the file is no longer what the draft was made from.
 */
export async function writeDraft({ place, file, before, edited }: Draft): Promise<void> {
  await replaceFile(file, edited.text, async () => {
    if ((await readFile(file, 'utf8')) === before) return
    throw refused(`${place.file} was changed by someone else at this moment; nothing was written`, 'run the same command again')
  })
}

/** The declared resource with aliases resolved, as the file has it now. Refuses a file that is not UTF-8 text. */
export async function readManifest(place: Place, identity: Identity): Promise<Record<string, unknown> | undefined> {
  return readDeclaration(textOf(await readFile(place.file), place.file), place.file, identity)
}

/** All of it, a byte order mark too. What another encoding wrote would be lost for ever, were it decoded and written back. */
function textOf(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw refused(
      `${file} is not UTF-8 text; nothing was edited`,
      'save it as UTF-8 first: nothing of it comes into force before',
    )
  }
}

/** What is wrong with a file by itself. While there is anything, the controller holds on to what the file last declared. */
export function errorsIn(file: string, text: string): Problem[] {
  return parseFile(file, text).problems.filter(({ severity }) => severity === 'error')
}

/**
 * Every file below a folder that declares the resource by kind and name, whatever its namespace where none is given. Throws trouble where none
 * does, and a part of the folder could not be read.
 */
export async function findManifests(
  directory: string,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<(Place & { identity: Identity })[]> {
  await access(directory, constants.R_OK).catch((cause: unknown) => {
    throw trouble(
      `the folder of manifests ${directory} cannot be read`,
      'name it with --manifests DIR or FEEDPLANE_MANIFESTS',
      cause,
    )
  })
  const { texts, unread } = await readManifests(directory, signal)
  const found = [...texts].flatMap(([file, text]) => identitiesIn(text, file, wanted).map(identity => ({ file, identity })))
  const [problem] = unread
  if (found.length === 0 && problem !== undefined) throw trouble(formatProblem(problem))
  return found
}

/** What a controller reads of a folder: the texts of its YAML files by path, in order, and what could not be read. */
export async function readManifests(
  directory: string,
  signal: AbortSignal,
): Promise<{ texts: Map<string, string>; unread: Problem[] }> {
  const { files, problems } = await lookAt(directory, undefined, signal)
  const texts = new Map<string, string>()
  const unread = [...problems]
  for (const [name, file] of files) {
    if ('text' in file) texts.set(join(directory, name), file.text)
    else unread.push(file.problem)
  }
  return { texts, unread }
}

// A file that does not parse is passed over: another one may hold what is looked for.
function identitiesIn(text: string, file: string, wanted: Wanted): Identity[] {
  return objectsOrNone(text, file).flatMap(({ kind, metadata }) => {
    const { name, namespace = 'default' } = (metadata ?? {}) as { name?: string; namespace?: string }
    const fits = kind === wanted.kind && name === wanted.name && (wanted.namespace ?? namespace) === namespace
    return fits ? [{ kind: wanted.kind, name: wanted.name, namespace }] : []
  })
}

function objectsOrNone(text: string, file: string): Record<string, unknown>[] {
  try {
    return readObjects(text, file)
  } catch {
    return []
  }
}

async function replaceFile(file: string, text: string, check: () => Promise<void>): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await writeLike(file, temporary, text)
    await check()
    await rename(temporary, file)
    await syncDirectory(dirname(file))
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw isUnwritable(error) ? unwritable(file, error) : error
  }
}

function isUnwritable(error: unknown): error is NodeJS.ErrnoException {
  return ['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')
}

function unwritable(file: string, { code, syscall }: NodeJS.ErrnoException): Error {
  return refused(
    `${file} cannot be replaced (${syscall}: ${code}); nothing was written`,
    'edit it where it comes from, such as its Git repository',
  )
}

async function writeLike(model: string, path: string, text: string): Promise<void> {
  const { mode, uid, gid } = await stat(model)
  const handle = await open(path, 'wx', mode & 0o7777)
  try {
    // Only root may give a file away; for anyone else the file keeps its new owner.
    await handle.chown(uid, gid).catch(() => undefined)
    await handle.chmod(mode & 0o7777)
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  await handle.sync().finally(() => handle.close())
}
