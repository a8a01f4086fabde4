import { comparePlaces, type Problem } from '../sources/problem.ts'
import { missingFronts, partialSecrets, wrongAccountTypes } from './accounts.ts'
import { bindsOutsideRoots, containerNameClashes, imagesNotInStore } from './containers.ts'
import { drillsWithoutStandby, impossibleSchedules } from './drills.ts'
import type { Check, ConsistencyInput } from './input.ts'
import { handoversWithoutLogins, sharedLogins } from './logins.ts'
import { danglingReferences } from './references.ts'
import { tooManyInstruments, unresolvedSets } from './sets.ts'
import { sharedProjects, stacksWithoutDocker, twoStacksInOneProject } from './stacks.ts'

/** A check that needs an object that is missing says nothing: the dangling reference says it. */
const checks: Check[] = [
  danglingReferences,
  wrongAccountTypes,
  handoversWithoutLogins,
  sharedLogins,
  missingFronts,
  partialSecrets,
  containerNameClashes,
  imagesNotInStore,
  bindsOutsideRoots,
  unresolvedSets,
  tooManyInstruments,
  stacksWithoutDocker,
  sharedProjects,
  twoStacksInOneProject,
  impossibleSchedules,
  drillsWithoutStandby,
]

/**
 * What is wrong between objects that are each right by themselves, by place. Pure: the same input gives the same problems. Nothing
 * is dropped for them; whoever reconciles an object shows its problems as a condition and keeps what runs.
 */
export function checkConsistency(input: ConsistencyInput): Problem[] {
  return checks.flatMap(check => check(input)).sort(comparePlaces)
}
