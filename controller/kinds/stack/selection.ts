import { type StackSpec, stackLabels } from '../../../crds/stack.ts'
import type { ComposeService } from '../../compose/project.ts'

/** The services that a Stack runs: those of the files, as far as they are selected and do not ask to be left alone. */
export function managedOf(services: ComposeService[], { services: selected }: Pick<StackSpec, 'services'>): ComposeService[] {
  return services.filter(service => !isUnmanaged(service) && (selected === undefined || selected.includes(service.name)))
}

export function isUnmanaged({ labels }: ComposeService): boolean {
  return labels[stackLabels.managed] === 'unmanaged'
}

const reloadSignals = /^SIG(HUP|USR1|USR2)$/

/** The signal that has a service read its configuration again. */
export function reloadSignalOf({ labels }: ComposeService): string | undefined {
  const name = labels[stackLabels.reload]
  return name !== undefined && reloadSignals.test(name) ? name : undefined
}
