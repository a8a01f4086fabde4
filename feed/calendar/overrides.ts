import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { maxOverridesBytes, type Overrides, overridesSchema } from '../../crds/contract/calendar.ts'
import { stalled } from '../../crds/contract/fault.ts'

/** Nothing to override. */
export const noOverrides: Overrides = { closed: [], open: [], windows: [] }

/**
 * Reads an override file, YAML or JSON, below the data directory. It is read once, at the start of a process. Throws a stalled Fault
 * `CalendarInvalid` that names the file and the member that does not fit.
 */
export async function readOverrides(dataDirectory: string, path: string): Promise<Overrides> {
  try {
    const text = await readFile(join(dataDirectory, path), 'utf8')
    if (Buffer.byteLength(text) > maxOverridesBytes) throw invalid(path, `it is larger than ${maxOverridesBytes} bytes`)
    return parseOverrides(text, path)
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw invalid(path, `it cannot be read (${error.code})`, error)
    throw error
  }
}

/** The same, from its text. */
export function parseOverrides(text: string, path: string): Overrides {
  const result = overridesSchema.safeParse(documentOf(text, path))
  if (!result.success) {
    const [issue] = result.error.issues
    throw invalid(path, `${issue?.path.join('.')}: ${issue?.message}`, result.error)
  }
  return result.data
}

function documentOf(text: string, path: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0 }) ?? {}
  } catch (error) {
    throw invalid(path, error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error), error)
  }
}

function invalid(path: string, message: string, cause?: unknown) {
  return stalled('CalendarInvalid', `calendar.overrides ${path}: ${message}`, cause)
}
