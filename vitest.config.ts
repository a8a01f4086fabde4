import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { isLong } from './test/long.ts'

// `unit` stands beside the code and needs no service. `services` drives real ones, after the unit tests: three files at a time, because
// half of a suite is waiting, and no more, because they share the cores and one Docker engine. Suites whose subject is time itself are
// after them, one feed each and beside nothing heavier (`services-alone`). `faults` and `faults-apart`, the part of it that needs a network namespace of its own, belong to
// `npm run test:faults`, `alerts` to `npm run test:alerts`. (Order 0 is no order: vitest moves a project of one worker to the end.)
const alone = ['test/feed-faults.test.ts', 'test/feed-watchdog.test.ts']

/** Vitest begins with the largest files; this one is small and takes longest, and would run alone at the end of its group. */
const longest = /seeds\.test\.ts$/

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const first = sorted.filter(({ moduleId }) => longest.test(moduleId))
    return [...first, ...sorted.filter(file => !first.includes(file))]
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{bench,compose,controller,crds,feed}/**/*.test.ts'],
          testTimeout: 30_000,
          maxWorkers: '100%',
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'services',
          include: ['test/**/*.test.ts'],
          exclude: ['test/faults/**', 'test/alerts/**', ...(isLong ? [] : ['test/long/**']), ...alone],
          maxWorkers: 3,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'services-alone',
          include: alone,
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 4 },
        },
      },
      {
        test: {
          name: 'faults-apart',
          include: ['test/faults/apart/*.test.ts'],
          fileParallelism: false,
          hookTimeout: 300_000,
          sequence: { groupOrder: 5 },
        },
      },
      {
        test: {
          name: 'alerts',
          include: ['test/alerts/*.test.ts'],
          maxWorkers: 2,
          testTimeout: 180_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 6 },
        },
      },
    ],
  },
})
