import * as z from 'zod'

/**
 * Where a source keeps what each file last declared without a mistake, so that it survives a restart of the controller. Files are
 * named relative to the source's root. Contents are JSON.
 */
export type LastGood = {
  load(): Map<string, unknown>
  /** `undefined` forgets the file. */
  save(file: string, content: unknown): void
}

/**
 * The text rather than the objects: the places of all members come with it, and a newer controller reads it with its own schema.
 * `keys` are the objects that the file owns; where two files declare one, they say which was first.
 */
const goodFileSchema = z.object({ text: z.string(), keys: z.array(z.string()) })

export type GoodFile = z.infer<typeof goodFileSchema>

/** A kept content, or `undefined` where it is of another version. */
export function parseGoodFile(content: unknown): GoodFile | undefined {
  return goodFileSchema.safeParse(content).data
}

/** Forgets with the process. */
export function memoryLastGood(): LastGood {
  const files = new Map<string, unknown>()
  return {
    load: () => new Map(files),
    save(file, content) {
      if (content === undefined) files.delete(file)
      else files.set(file, structuredClone(content))
    },
  }
}
