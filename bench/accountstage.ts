import { openConsumer } from '../feed/client/consumer.ts'
import { type RotationStage, secretsOf, startRotationStage, writeSecretFile } from '../test/rotation/stage.ts'
import { until } from '../test/services/deadline.ts'
import type { Beside } from './figure.ts'

/** A feed on the process engine whose accounts' secrets are files, and what a consumer of its stream sees of its epochs. */
export type AccountStage = RotationStage & {
  /** From the last tick before the epoch to its first one, as a consumer sees it, in ms. */
  pauseOf(epoch: number): Promise<number>
}

/** That no gate can be quicker than: ticks come when they come. */
export const nextTick: Beside = { kind: 'floor', name: 'mean wait for the next tick', value: 1000 / (100 * 4) }

export async function openAccountStage(): Promise<AccountStage> {
  const stage = await startRotationStage({
    sourceOf: account => `file: {path: ${account}}`,
    begin(directory, passwords) {
      for (const account of ['primary', 'backup'] as const)
        for (const [key, value] of Object.entries(secretsOf(account, passwords[account])))
          writeSecretFile(directory, account, key, value)
    },
  })
  const pauses = new Map<number, number>()
  let newest = { epoch: 0, at: 0 }
  const listener = await openConsumer({
    ...{ type: 'jetstream', servers: [stage.natsUrl], subjectPrefix: 'market.tick', stream: 'TICKS' },
    onTick({ epoch }) {
      const at = performance.now()
      if (epoch !== newest.epoch) pauses.set(epoch, at - newest.at)
      newest = { epoch, at }
    },
  })
  return {
    ...stage,
    pauseOf: epoch => until(`the first tick of epoch ${epoch}`, () => pauses.get(epoch)),
    async stop() {
      await listener.close()
      await stage.stop()
    },
  }
}

export function lossOf(stage: AccountStage): { value: number; note: string } {
  const { missing, duplicates, stale, malformed, accepted, gaps } = stage.consumer.counts()
  const note = `of ${accepted} ticks: ${missing} missing, ${duplicates} doubled, ${stale} of a deposed publisher; ${gaps} gaps told by the feed`
  return { value: missing + duplicates + stale + malformed, note }
}
