/** A place in a file; both count from 1, as editors do. */
export type Position = { line: number; column: number }

/** Members and indexes from the root of an object, such as `['spec', 'subscriptions', 0]`. */
export type MemberPath = readonly (string | number)[]

/**
 * What kind of check found it. `syntax`: not YAML. `schema`: one object alone is wrong, so an API server refuses it too.
 * `forbidden`: one object asks for what no feed may have. `reference` and `consistency`: it is wrong beside the other objects.
 * `duplicate`: another place declares the same object, which counts.
 * `deletion`: the object is gone from it, and its deletion is held until somebody approves it.
 * `unreadable`: the file or folder could not be read, so nothing is known about it.
 */
export type ProblemCategory =
  | 'syntax'
  | 'schema'
  | 'forbidden'
  | 'reference'
  | 'consistency'
  | 'duplicate'
  | 'deletion'
  | 'unreadable'

/** Something that is wrong in declared YAML: what, where, and what to do about it. */
export type Problem = Position & {
  file: string
  /** Member that it points at, such as `spec.credentials.active`; empty for a whole document or file. */
  path: string
  /** Document in the file, from 1. */
  document: number
  /** The object, as far as it is known. */
  kind?: string
  namespace?: string
  name?: string
  /** A warning is shown and holds nothing up. */
  severity: 'error' | 'warning'
  category: ProblemCategory
  /** CamelCase, a condition's `reason`. */
  reason: string
  message: string
  hint: string
  /** The line of the file, where whoever found it had the text at hand. */
  excerpt?: string
}

/** `spec.subscriptions[0]`; a member that is no plain word is quoted: `metadata.labels["a.b/c"]`. */
export function pathText(path: MemberPath): string {
  return path.map(stepText).join('').replace(/^\./, '')
}

function stepText(step: string | number): string {
  if (typeof step === 'number') return `[${step}]`
  return /^[A-Za-z_$][\w$-]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`
}

/** By file, then by place: the order in which a reader mends them. */
export function comparePlaces(a: Problem, b: Problem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return a.line - b.line || a.column - b.column
}

/** A text that is shown to people: credentials in a URL, and what follows a name that says secret, are left out of it. */
export function withoutSecrets(text: string): string {
  return text
    .replaceAll(/(:\/\/)[^\s/@"']+@/g, '$1***@')
    .replaceAll(
      /((?:passw|passphrase|secret|token|auth[-_]?code|api[-_]?key)[\w-]{0,80}["']?\s{0,80}[:=]\s{0,80})\S.*/gi,
      '$1***',
    )
}
