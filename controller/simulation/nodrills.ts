import type { DrillTools } from '../kinds/failoverdrill/gather.ts'

/** For worlds in which no FailoverDrill is declared. */
export const noDrills: DrillTools = {
  life: 'only',
  evidence: { keep: (_drill, id) => id },
  wakeFeed: () => undefined,
}
