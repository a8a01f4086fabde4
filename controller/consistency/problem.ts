import { type MemberPath, type Problem, pathText } from '../sources/problem.ts'
import type { Declared } from '../sources/source.ts'

export type Finding = Pick<Problem, 'category' | 'reason' | 'message' | 'hint'> & { severity?: Problem['severity'] }

/** A problem with a member of an object that is right by itself. */
export function problemAt({ resource, origin, locate }: Declared, path: MemberPath, finding: Finding): Problem {
  const prefix = origin.item === undefined ? [] : ['items', origin.item]
  return {
    file: origin.file,
    ...locate(path),
    path: pathText([...prefix, ...path]),
    document: origin.document,
    kind: resource.kind,
    namespace: resource.metadata.namespace,
    name: resource.metadata.name,
    severity: 'error',
    ...finding,
  }
}
