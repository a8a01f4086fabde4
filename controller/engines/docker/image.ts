import * as z from 'zod'
import { Fault, stalled, transient } from '../../../crds/contract/fault.ts'
import type { Image } from '../engine.ts'
import type { DockerClient } from './client.ts'
import { messageOf, statusOf } from './failure.ts'
import { readLines } from './ndjson.ts'
import { splitReference } from './reference.ts'
import { loginFor } from './registrylogin.ts'

const imageSchema = z.object({ Id: z.string(), RepoDigests: z.array(z.string()).nullish() })
const progressSchema = z
  .object({ status: z.string(), error: z.string(), errorDetail: z.object({ message: z.string() }) })
  .partial()

/** The image as the engine has it, or `undefined`. */
export async function findImage(client: DockerClient, reference: string, signal: AbortSignal): Promise<Image | undefined> {
  const path = `/images/${encodeURIComponent(reference)}/json`
  try {
    const found = await client.read(imageSchema, { method: 'GET', path, what: `inspect ${reference}`, signal })
    return { reference, digest: digestOf(reference, found.Id, found.RepoDigests ?? []) }
  } catch (error) {
    if (statusOf(error) === 404 || statusOf(error) === 400) return undefined
    throw error
  }
}

/** Pulls and returns it. A pull succeeded only if the engine said so in its last words: the stream may end early without an error. */
export async function pullImage(
  client: DockerClient,
  reference: string,
  configFile: string | undefined,
  deadlineMs: number,
  caller: AbortSignal,
): Promise<Image> {
  const signal = AbortSignal.any([caller, AbortSignal.timeout(deadlineMs)])
  try {
    await pull(client, reference, configFile, deadlineMs, signal)
  } catch (error) {
    throw pullFault(reference, error, signal)
  }
  const image = await findImage(client, reference, caller)
  if (image === undefined) throw transient('ImagePullFailed', `Docker pulled ${reference} and does not have it`)
  return image
}

async function pull(
  client: DockerClient,
  reference: string,
  configFile: string | undefined,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { registry, name, tag } = splitReference(reference)
  const authconfig = configFile === undefined ? undefined : await loginFor(configFile, registry)
  const stream = await client.stream({
    ...{ method: 'POST', path: '/images/create', query: { fromImage: name, tag }, what: `pull ${reference}`, signal, deadlineMs },
    ...(authconfig === undefined ? {} : { authconfig }),
  })
  let done = false
  for await (const line of readLines(stream, () => undefined)) {
    const { status, error, errorDetail } = progressSchema.safeParse(line).data ?? {}
    if (errorDetail !== undefined || error !== undefined) throw new Error(errorDetail?.message ?? error)
    if (status !== undefined && /^(Digest|Status): /.test(status)) done = true
  }
  if (!done) throw new Error('the stream ended before the pull was done')
}

// "pull access denied, repository does not exist or may require docker login" is what a registry says that will not tell which.
const denied = /unauthorized|authentication required|no basic auth|denied|forbidden/i
const absent =
  /(manifest|name|blob) unknown|not found|does not exist|invalid reference format|no match(ing manifest| for platform)|unsupported (manifest )?media ?type/i

function pullFault(reference: string, error: unknown, signal: AbortSignal): Fault {
  if (error instanceof Fault && ['EngineUnreachable', 'DiskFull'].includes(error.reason)) return error
  if (signal.aborted) return transient('EngineTimeout', `Docker did not pull ${reference} in time`, error)
  const message = messageOf(error instanceof Fault ? (error.cause ?? error) : error)
  if (/no space left on device/i.test(message)) return transient('DiskFull', `no space to pull ${reference}: ${message}`, error)
  if (denied.test(message)) return stalled('RegistryDenied', `the registry refused ${reference}: ${message}`, error)
  if (absent.test(message)) return stalled('ImageNotFound', `there is no image ${reference}: ${message}`, error)
  return transient('ImagePullFailed', `could not pull ${reference}: ${message}`, error)
}

/** Repository digest of the reference's own repository, else any, else the image id. Sorted, so that the choice is always the same. */
export function digestOf(reference: string, id: string, repoDigests: string[]): string {
  const sorted = repoDigests.toSorted()
  if (sorted.includes(reference)) return reference
  if (reference.startsWith('sha256:')) return sorted[0] ?? id
  const { familiar } = splitReference(reference)
  return sorted.find(digest => digest.startsWith(`${familiar}@`)) ?? sorted[0] ?? id
}
