import type { DeclaredOf } from './input.ts'

const defaultEndpoint = 'unix:///var/run/docker.sock'

/** The engine that a host stands for. A process host keeps its processes to itself. */
export function engineOf({ resource }: DeclaredOf<'Host'>): string {
  const { type, endpoint } = resource.spec.engine
  return type === 'docker' ? (endpoint ?? defaultEndpoint) : `process ${resource.metadata.namespace}/${resource.metadata.name}`
}
