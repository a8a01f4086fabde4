import type { Controller } from './client.ts'
import type { Terminal } from './terminal.ts'

/** What a verb works with: everything outside of it comes from here. */
export type Context = {
  terminal: Terminal
  controller: Controller
  /** Ends every wait and stream: Ctrl-C. */
  signal: AbortSignal
  /** Folder of the declared YAML, where the operator named one. */
  manifests: string | undefined
  /** Namespace, where the operator named one. */
  namespace: string | undefined
  /** A token that no earlier request had. */
  newToken: () => string
  environment: Readonly<Record<string, string | undefined>>
  /** Working directory. */
  directory: string
}

/** Formats of a listing. */
export const formats = ['table', 'wide', 'json', 'yaml', 'name'] as const
export type Format = (typeof formats)[number]
