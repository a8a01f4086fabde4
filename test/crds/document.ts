import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import { declare } from '../../controller/sources/object.ts'

/** A document as a file has it: nothing is certain. */
export type Document = {
  apiVersion?: unknown
  kind?: unknown
  metadata?: Record<string, unknown>
  spec?: Record<string, unknown>
  status?: unknown
}

/** Every document of a YAML file; a `List` counts as its items, and an empty document is none. */
export function documentsOf(path: string): Document[] {
  const documents = parseAllDocuments(readFileSync(path, 'utf8')).map(
    document => document.toJS() as Document & { items?: Document[] },
  )
  return documents
    .flatMap(document => (document?.kind === 'List' ? (document.items ?? []) : [document]))
    .filter(document => document !== null)
}

/** The spec with defaults filled in, or `undefined` where we refuse the document. */
export const parsedSpec = (document: Document): unknown => declare(document).resource?.spec

/** Whether we refuse it for what no feed may have; that is beyond a schema, and so beyond the API server. */
export const isForbidden = (document: Document): boolean =>
  declare(document).rejections.some(({ category }) => category === 'forbidden')
