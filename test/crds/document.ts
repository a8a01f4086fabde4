import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import { apiVersion, metadataSchema } from '../../crds/contract/resource.ts'
import type { Kind } from '../../crds/kind.ts'
import { isKindName, kinds } from '../../crds/kinds.ts'

/** A document as a file has it: nothing is certain. */
export type Document = {
  apiVersion?: unknown
  kind?: unknown
  metadata?: Record<string, unknown>
  spec?: Record<string, unknown>
  status?: unknown
}

/** Every document of a YAML file; a `List` counts as its items. */
export function documentsOf(path: string): Document[] {
  const documents = parseAllDocuments(readFileSync(path, 'utf8')).map(
    document => document.toJS() as Document & { items?: Document[] },
  )
  return documents.flatMap(document => (document.kind === 'List' ? (document.items ?? []) : [document]))
}

/** The spec with defaults filled in, or `undefined` where schema, metadata or a rule refuses the document. */
export function parsedSpec(document: Document): unknown {
  if (document.apiVersion !== apiVersion || !isKindName(String(document.kind))) return undefined
  const kind = kinds[document.kind as keyof typeof kinds] as unknown as Kind
  const spec = kind.spec.safeParse(document.spec)
  if (!spec.success || !metadataSchema.safeParse(document.metadata).success) return undefined
  return kind.rules.every(rule => rule.holds(spec.data)) ? spec.data : undefined
}
