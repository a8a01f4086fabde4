import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { canonical } from '../../../crds/contract/digest.ts'
import type { Image } from '../engine.ts'

/** An entry of the store: what runs when a feed names the reference. `entry` is relative to the installation. */
export type StoredImage = { reference: string; entry: string; args: string[] }

export type ResolvedImage = Image & { entry: string; args: string[] }

/**
 * Finds an image by reference, or by a digest that it has now. The digest covers the resolved entry path, the arguments and, where
 * the entry is a file, its content: a changed store entry is a changed image. What the entry imports is not part of it.
 */
export async function resolveImage(
  images: StoredImage[],
  installationDirectory: string,
  reference: string,
): Promise<ResolvedImage | undefined> {
  const candidates = reference.startsWith('sha256:') ? images : images.filter(image => image.reference === reference)
  for (const { entry, args } of candidates) {
    const path = resolve(installationDirectory, entry)
    const digest = await digestOf(path, args)
    if (digest === undefined) continue
    if (candidates !== images || digest === reference) return { reference, digest, entry: path, args }
  }
  return undefined
}

async function digestOf(entry: string, args: string[]): Promise<string | undefined> {
  try {
    const hash = createHash('sha256').update(canonical({ entry, args }))
    if ((await stat(entry)).isFile()) await pipeline(createReadStream(entry), hash, { end: false })
    return `sha256:${hash.digest('hex')}`
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined
    throw error
  }
}
