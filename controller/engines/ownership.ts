import { type Fault, stalled, transient } from '../../crds/contract/fault.ts'
import { labels } from './engine.ts'

/** Owner of a workload with these labels, or `undefined` for a stranger's: another installation's workloads are strangers too. */
export function ownerOf(found: Record<string, string>, installation: string): string | undefined {
  return found[labels.installation] === installation ? found[labels.owner] : undefined
}

/** Why a name cannot be had: `AlreadyExists` where the same owner holds it, else `NameTaken` with the holder's name. */
export function nameHeld(name: string, holder: { id: string; labels: Record<string, string> }, wanted: Holder): Fault {
  const owner = ownerOf(holder.labels, wanted.installation)
  if (owner !== undefined && owner === wanted.owner) {
    return transient('AlreadyExists', `workload ${name} exists already (${shortId(holder.id)}) and belongs to ${owner}`)
  }
  return stalled('NameTaken', `the name ${name} is taken by ${describe(holder, owner)}: rename or remove that, or this`)
}

type Holder = { installation: string; owner: string | undefined }

/** A write to what is not ours. */
export function notOurs(name: string, verb: string): Fault {
  return stalled('NotOurs', `will not ${verb} ${name}: it does not carry this installation's owner label`)
}

function describe(holder: { id: string; labels: Record<string, string> }, owner: string | undefined): string {
  if (owner !== undefined) return `${owner} (${shortId(holder.id)})`
  const foreign = holder.labels[labels.owner]
  if (foreign === undefined) return `${shortId(holder.id)}, which Feedplane did not make`
  return `${foreign} of installation ${holder.labels[labels.installation] ?? 'unknown'} (${shortId(holder.id)})`
}

const shortId = (id: string): string => id.slice(0, 12)
