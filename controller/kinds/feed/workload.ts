import { digestOf } from '../../../crds/contract/digest.ts'
import { labels, type WorkloadFile, type WorkloadSpec } from '../../engines/engine.ts'
import { millisecondsOf } from '../../runtime/duration.ts'
import type { Declared } from '../../store/declared.ts'
import type { Revision } from '../../store/revision.ts'

/** Port that the feed's control API listens on inside. */
const controlPort = 9100

export const ownerOf = (key: string) => `Feed/${key}`

/** `NAMESPACE-FEED-rN`: deterministic, so that a controller that died in mid-creation finds what it made. */
export function containerName(key: string, revision: number): string {
  return `${key.replace('/', '-')}-r${revision}`
}

export type Making = {
  key: string
  name: string
  revision: Revision
  host: Declared<'Host'>
  installation: string
  files: WorkloadFile[]
}

/** What to run for a revision. `files` are the caller's, because only they hold secrets. */
export function workloadSpec({ key, name, revision, host, installation, files }: Making): WorkloadSpec {
  const { container } = revision.snapshot
  const { network, project, reach } = host.resource.spec
  return {
    name,
    image: revision.imageDigest ?? revision.snapshot.image,
    labels: {
      [labels.owner]: ownerOf(key),
      [labels.revision]: String(revision.number),
      [labels.specDigest]: processDigest(revision),
      [labels.installation]: installation,
    },
    project,
    service: key.split('/')[1] ?? key,
    network,
    env: container.env,
    memoryBytes: bytesOf(container.memory),
    ...(container.cpus !== undefined && { cpus: container.cpus }),
    pidsLimit: container.pidsLimit,
    logMaxBytes: bytesOf(container.logMaxSize),
    logMaxFiles: container.logMaxFiles,
    stopGraceMs: millisecondsOf(container.stopGrace),
    binds: container.binds,
    port: controlPort,
    reach,
    files,
  }
}

const processDigests = new WeakMap<Revision, string>()

/**
 * Digest of what a running process cannot take over: two revisions with the same one can follow each other in the same process. It is
 * also the label that says whether a container is what it should be.
 */
export function processDigest(revision: Revision): string {
  const known = processDigests.get(revision)
  if (known !== undefined) return known
  const { hostRef, image, container, launch, secretDigests } = revision.snapshot
  const digest = digestOf({ hostRef, image: revision.imageDigest ?? image, container, launch, secretDigests })
  if (revision.imageDigest !== undefined) processDigests.set(revision, digest)
  return digest
}

const unitBytes = { Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3 } as const

/** Bytes of a size as specs write it: `512Mi`. */
export function bytesOf(size: string): number {
  const [, digits, unit] = /^(\d+)(Ki|Mi|Gi)$/.exec(size) ?? []
  return Number(digits) * unitBytes[unit as keyof typeof unitBytes]
}
