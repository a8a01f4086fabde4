import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

type Declaration = { kind: string; metadata: { name: string }; spec: object }
type StackDeclaration = Declaration & { project: string; services: object }

const apiVersion = 'feedplane.dev/v1alpha1'
const namespace = 'quickstart'

/** The Docker engine of this machine. */
export const dockerHost: Declaration = { kind: 'Host', metadata: { name: 'engine' }, spec: { engine: { type: 'docker' } } }

export const busybox = { image: 'busybox:1.36' }
/** A service that stays. */
export const endless = { ...busybox, command: ['sleep', '1000'], init: true }

/** A Stack on that engine; its containers go with its declaration. */
export function stack(name: string, services: object, more: object = {}): StackDeclaration {
  const project = `fp-test-${randomBytes(4).toString('hex')}`
  const spec = { hostRef: 'engine', project, files: [`${name}.compose`], deletionPolicy: 'Remove', ...more }
  return { kind: 'Stack', metadata: { name }, spec, project, services }
}

/** Writes a file of declarations, and beside it those that its stacks name. */
export function declare(manifests: string, file: string, declarations: (Declaration | StackDeclaration)[]): void {
  for (const declaration of declarations)
    if ('services' in declaration) {
      const { metadata, services } = declaration
      writeFileSync(join(manifests, `${metadata.name}.compose`), JSON.stringify({ services }))
    }
  const documents = declarations.map(({ kind, metadata, spec }) =>
    JSON.stringify({ apiVersion, kind, metadata: { ...metadata, namespace }, spec }),
  )
  writeFileSync(join(manifests, file), documents.join('\n---\n'))
}

export function remove(manifests: string, file: string): void {
  rmSync(join(manifests, file))
}

/** Whatever they do; whether there were any. */
export async function removeContainers(label: string): Promise<boolean> {
  const { stdout } = await run('docker', ['ps', '--all', '--quiet', '--filter', `label=${label}`])
  const ids = stdout.split('\n').filter(id => id !== '')
  if (ids.length > 0) await run('docker', ['rm', '--force', ...ids])
  return ids.length > 0
}
