import type { FaultClass } from '../../../crds/contract/fault.ts'
import { keyOf } from '../../../crds/contract/resource.ts'
import type { ComposeService } from '../../compose/project.ts'
import { type StackInput, servicesIn } from './input.ts'
import { isUnmanaged, managedOf } from './selection.ts'

/** Why a Stack cannot be converged. What runs is left as it is. `source`: the mistake is in a declared file. */
export type Trouble = { class: FaultClass; reason: string; message: string; source: boolean }

type Check = (input: StackInput) => Trouble | undefined

/** In order; the first is told, because the later ones often follow from it. */
const checks: Check[] = [
  isConsistent,
  isHostDeclared,
  canBeRead,
  selectsWhatIsThere,
  runsSomething,
  leavesUnmanagedAlone,
  doesEngineAnswer,
]

export function firstTrouble(input: StackInput): Trouble | undefined {
  for (const check of checks) {
    const trouble = check(input)
    if (trouble) return trouble
  }
  return undefined
}

const stalled = (reason: string, message: string): Trouble => ({ class: 'stalled', reason, message, source: true })

function isConsistent({ problems: [problem] }: StackInput): Trouble | undefined {
  if (!problem) return undefined
  const { file, line, reason, message, hint } = problem
  return stalled(reason, `${file}:${line}: ${message}: ${hint}`)
}

function isHostDeclared({ declared, host }: StackInput): Trouble | undefined {
  if (!declared || host) return undefined
  const message = `Host ${declared.resource.spec.hostRef} is not declared in the namespace`
  return { class: 'waiting', reason: 'HostNotFound', message, source: true }
}

function canBeRead({ read }: StackInput): Trouble | undefined {
  if (read === undefined || Array.isArray(read)) return undefined
  const { fault, place } = read
  const where = place ? `${place.file}:${place.line}:${place.column}: ` : ''
  return { class: fault.class, reason: fault.reason, message: `${where}${fault.message}`, source: fault.class === 'stalled' }
}

function selectsWhatIsThere(input: StackInput): Trouble | undefined {
  const names = servicesIn(input).map(({ name }) => name)
  const unknown = input.declared?.resource.spec.services?.filter(name => !names.includes(name)) ?? []
  if (unknown.length === 0) return undefined
  const message = `spec.services names ${unknown.join(', ')}, and with these profiles the files have ${names.join(', ') || 'no service'}`
  return stalled('ServiceUnknown', message)
}

function runsSomething(input: StackInput): Trouble | undefined {
  if (!input.declared || managedOf(servicesIn(input), input.declared.resource.spec).length > 0) return undefined
  return stalled('NothingToRun', 'with these profiles the files have no service to run')
}

/** Compose would bring it up along with the service that depends on it. */
function leavesUnmanagedAlone(input: StackInput): Trouble | undefined {
  const all = servicesIn(input)
  const managed = input.declared ? managedOf(all, input.declared.resource.spec) : []
  for (const service of managed) {
    const unmanaged = dependenciesOf(service, all).find(isUnmanaged)
    if (!unmanaged) continue
    const message = `the service ${service.name} depends on ${unmanaged.name}, which is labelled as unmanaged: remove the one or the other`
    return stalled('DependsOnUnmanaged', message)
  }
  return undefined
}

function dependenciesOf(service: ComposeService, all: ComposeService[]): ComposeService[] {
  const found = new Set<ComposeService>()
  const visit = ({ dependsOn }: ComposeService): void => {
    for (const one of all.filter(({ name }) => dependsOn.includes(name))) {
      if (found.has(one)) continue
      found.add(one)
      visit(one)
    }
  }
  visit(service)
  return [...found]
}

function doesEngineAnswer({ here }: StackInput): Trouble | undefined {
  if (!here || Array.isArray(here.containers)) return undefined
  const { class: faultClass, reason, message } = here.containers
  return { class: faultClass, reason, message, source: false }
}

/** Errors between declared objects that concern this Stack. */
export function concerns(key: string) {
  return ({
    severity,
    kind,
    namespace,
    name,
  }: {
    severity?: string
    kind?: string
    namespace?: string
    name?: string
  }): boolean =>
    severity === 'error' && kind === 'Stack' && name !== undefined && keyOf({ namespace: namespace ?? 'default', name }) === key
}
