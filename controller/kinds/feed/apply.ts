import { feedDirectory } from '../../../crds/contract/desired.ts'
import { keyedDigestOf } from '../../../crds/contract/digest.ts'
import { stalled, transient } from '../../../crds/contract/fault.ts'
import type { WorkloadFile } from '../../engines/engine.ts'
import type { HostEngine } from '../../engines/registry.ts'
import type { Declared } from '../../store/declared.ts'
import type { Step } from './decision.ts'
import { engineOf, hostOf } from './gather.ts'
import { type FeedInput, findReport, type SecretOwner } from './input.ts'
import { type Passing, passGate } from './passing.ts'
import type { ReadPorts, TokenOf } from './ports.ts'
import { workloadSpec } from './workload.ts'

/**
 * Carries steps out in order. Each is idempotent, so that a controller that died between two of them may repeat the first. Ends at the
 * first that fails, with its Fault.
 */
export async function apply(
  steps: Step[],
  input: FeedInput,
  ports: ReadPorts,
  tokenOf: TokenOf,
  signal: AbortSignal,
): Promise<void> {
  for (const step of steps) await carryOut(step, input, ports, tokenOf, signal)
}

async function carryOut(step: Step, input: FeedInput, ports: ReadPorts, tokenOf: TokenOf, signal: AbortSignal): Promise<void> {
  if (step.action === 'Push')
    return ports.feeds.push(step.endpoint, tokenOf(input.key), step.desired, instrumentsOf(input, step.container), signal)
  if (step.action === 'MoveGate') return movePublisher(step, input, ports, tokenOf, signal)
  if (step.action === 'Resubscribe') return ports.feeds.resubscribe(step.endpoint, tokenOf(input.key), step.request, signal)
  if (step.action === 'RetryLogins')
    return ports.feeds.retryLogins(step.endpoint, tokenOf(input.key), { token: step.token }, signal)
  const hostKey = `${input.key.split('/')[0]}/${step.host}`
  const host = await engineOf(hostKey, ports)
  const { engine } = host
  try {
    switch (step.action) {
      case 'PullImage':
        return ports.images.start({ hostKey, reference: step.reference, attempt: step.attempt }, engine)
      case 'Create':
        return void (await engine.create(await specFor(step, input, ports, tokenOf), signal))
      case 'Start':
        await engine.writeFiles(step.container, [desiredFile(step.desired)], signal)
        return await engine.start(step.container, signal)
      case 'Stop':
        return await engine.stop(step.container, signal)
      case 'Rename':
        return await engine.rename(step.container, step.to, signal)
      case 'Connect':
        return await engine.connect(step.container, signal)
      case 'ReleaseNetwork':
        return await releaseNetwork(hostKey, host, ports, signal)
      case 'Remove':
        return await engine.remove(step.container, signal)
    }
  } finally {
    host.invalidate()
  }
}

async function releaseNetwork(hostKey: string, { engine }: HostEngine, ports: ReadPorts, signal: AbortSignal): Promise<void> {
  const network = hostOf(hostKey, ports)?.resource.spec.network
  if (network !== undefined) await engine.releaseNetwork(network, signal)
}

async function movePublisher(
  step: Step & { action: 'MoveGate' },
  input: FeedInput,
  { feeds, clock, reached = () => undefined }: ReadPorts,
  tokenOf: TokenOf,
  signal: AbortSignal,
): Promise<void> {
  const { key } = input
  const around = {
    now: clock.now(),
    reached: (passing: Passing) => reached(key, `promoting/${passing}`),
    instrumentsOf: (container: string) => instrumentsOf(input, container),
  }
  await passGate(step, feeds, tokenOf(key), around, signal)
}

const instrumentsOf = (input: FeedInput, container: string): string | undefined => findReport(input, container)?.instrumentsDigest

async function specFor(step: Step & { action: 'Create' }, input: FeedInput, ports: ReadPorts, tokenOf: TokenOf) {
  const host = hostOf(`${input.key.split('/')[0]}/${step.host}`, ports)
  if (!host) throw stalled('HostNotFound', `Host ${step.host} is not declared: declare it again`)
  const files = [
    desiredFile(step.desired),
    { path: feedDirectory.token, content: tokenOf(input.key) },
    ...(await secretFiles(input, ports)),
  ]
  return workloadSpec({
    key: input.key,
    name: step.container,
    revision: step.revision,
    host,
    installation: ports.store.installation.id,
    files,
  })
}

/**
 * The secrets go from their source into the workload's directory; nothing else ever sees them. They are those that the decision rests on:
 * what was rotated in between makes another revision.
 */
async function secretFiles({ credentials, secrets: views }: FeedInput, { secrets, store }: ReadPorts): Promise<WorkloadFile[]> {
  const owners = Object.entries(credentials) as [SecretOwner, Declared<'Credentials'>][]
  const perOwner = owners.map(async ([owner, declared]) => {
    const { values } = await secrets.read(declared)
    const view = views[owner]
    if (view && 'digest' in view && view.digest !== keyedDigestOf(store.installation.digestKey, values))
      throw transient('SecretsChanged', `the secrets of ${owner} were rotated in this moment: it is looked at again`)
    return Object.entries(values).map(
      ([key, content]): WorkloadFile => ({ path: `${feedDirectory.secrets}/${owner}/${key}`, content }),
    )
  })
  return (await Promise.all(perOwner)).flat()
}

function desiredFile(desired: object): WorkloadFile {
  return { path: feedDirectory.desired, content: JSON.stringify(desired) }
}
