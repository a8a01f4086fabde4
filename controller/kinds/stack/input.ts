import type { Fault } from '../../../crds/contract/fault.ts'
import type { ComposeContainer } from '../../compose/container.ts'
import type { Place } from '../../compose/place.ts'
import type { ComposeService } from '../../compose/project.ts'
import type { Problem } from '../../sources/problem.ts'
import type { Declared } from '../../store/declared.ts'
import type { Placement, StackMemory } from '../../store/stack.ts'

/** A placement, and what the engine has of the project; a Fault where it does not say, or the Host is not known any more. */
export type Seen = { placement: Placement; containers: ComposeContainer[] | Fault }

/** Everything that a decision about a Stack rests on, read once. */
export type StackInput = {
  now: number
  /** `namespace/name` of the Stack. */
  key: string
  /** Absent: it is no longer declared. */
  declared: Declared<'Stack'> | undefined
  /** Errors between declared objects that concern it. */
  problems: Problem[]
  memory: StackMemory
  host: Declared<'Host'> | undefined
  composeVersion: string | undefined
  /** What Compose reads from the declared files, or why it cannot, and where the mistake is. */
  read: ComposeService[] | { fault: Fault; place: Place | undefined } | undefined
  /** Where it is declared to run; absent without a declaration. */
  here: Seen | undefined
  /** Where it ran and is no longer declared to. */
  elsewhere: Seen[]
  /** By service that can be told to read its configuration again: digest of the files that it binds. */
  configurations: Record<string, string>
}

/** All services that Compose reads; none where it cannot. */
export function servicesIn({ read }: Pick<StackInput, 'read'>): ComposeService[] {
  return Array.isArray(read) ? read : []
}

/** The containers where they are known. */
export function containersIn(seen: Seen | undefined): ComposeContainer[] {
  return seen && Array.isArray(seen.containers) ? seen.containers : []
}
