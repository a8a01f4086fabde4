import type { StackTools } from '../kinds/stack/gather.ts'

/** For worlds in which no Stack is declared. */
export const noStacks: StackTools = {
  compose: host => {
    throw new Error(`no Stack is declared on ${host}`)
  },
  configuration: async () => '',
  onHint: () => () => undefined,
  follow: () => undefined,
  onStep: () => undefined,
}
