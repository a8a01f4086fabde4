import type { Condition } from '../../crds/contract/resource.ts'

export type NewCondition = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

/** The conditions of a generation; a condition whose status stays keeps the time of its last transition. */
export function conditionsOf(
  next: NewCondition[],
  previous: Condition[] | undefined,
  now: number,
  generation: number,
): Condition[] {
  return next.map(condition => {
    const before = previous?.find(({ type }) => type === condition.type)
    const same = before?.status === condition.status
    return {
      ...condition,
      lastTransitionTime: same ? before.lastTransitionTime : new Date(now).toISOString(),
      observedGeneration: generation,
    }
  })
}

/** Whether a condition is there and true. */
export function isTrue(conditions: Condition[] | undefined, type: string): boolean {
  return conditions?.some(condition => condition.type === type && condition.status === 'True') ?? false
}
