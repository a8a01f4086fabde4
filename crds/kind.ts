import type * as z from 'zod'

/** A rule that spans fields, once for the Kubernetes API server (CEL, `self` is the spec) and once for us; both must agree. */
export type Rule<Spec> = {
  /** Member of the spec that the error points at, dotted. */
  path: string
  cel: string
  holds: (spec: Spec) => boolean
  message: string
}

/** A column of `kubectl get` and `feedctl get`; `path` is a JSON path such as `.spec.image`. */
export type Column = { name: string; path: string; type?: 'string' | 'integer' | 'number' | 'date'; wide?: boolean }

/**
 * The single source of one kind: validation, TypeScript types, the CRD, the editor's JSON Schema and the reference page all come
 * from it (`npm run generate`).
 */
export type Kind<Spec extends z.ZodType = z.ZodType, Status extends z.ZodType = z.ZodType> = {
  kind: string
  plural: string
  shortNames: string[]
  description: string
  spec: Spec
  status: Status
  columns: Column[]
  rules: Rule<z.output<Spec>>[]
  /** Annotations that ask the controller for something, and what each asks for. */
  annotations?: Record<string, string>
}

export function defineKind<Spec extends z.ZodType, Status extends z.ZodType>(kind: Kind<Spec, Status>): Kind<Spec, Status> {
  return kind
}
