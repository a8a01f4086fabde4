import type { Account } from '../../crds/contract/desired.ts'
import { asFault } from '../../crds/contract/fault.ts'
import type { FailoverRecord } from '../../crds/contract/feedstatus.ts'
import type { Gap } from '../../crds/contract/tick.ts'
import type { SessionEvent } from '../session/message.ts'
import type { ChildEnd } from './child.ts'

/** The events of the supervisor whose fields take more than a line. */
export const story = {
  started: (epoch: number, active: Account): SessionEvent => ({
    type: 'Normal',
    reason: 'Started',
    message: 'the feed started',
    fields: { epoch, active },
  }),

  pending: (from: Account, to: Account): SessionEvent => ({
    type: 'Warning',
    reason: 'FailoverPending',
    message: 'the flip waits until the other account is live',
    fields: { from, to },
  }),

  died: (account: Account, end: ChildEnd): SessionEvent => ({
    type: 'Warning',
    reason: 'SessionDied',
    message: 'error' in end ? 'a session process could not be started' : 'a session process died',
    fields: { account, ...end },
  }),

  failedOver: ({ from, to, epoch, reason, phases }: FailoverRecord): SessionEvent => ({
    type: 'Normal',
    reason: 'FailedOver',
    message: 'the other account publishes',
    fields: {
      from,
      to,
      epoch,
      why: reason,
      closedMs: phases.closedMs ?? 0,
      openedMs: phases.openedMs ?? 0,
      firstTickMs: phases.firstTickMs ?? 0,
    },
  }),

  gap: (account: Account, { epoch, from, to, reason, instrumentCount }: Gap): SessionEvent => ({
    type: 'Warning',
    reason: 'Gap',
    message: 'ticks may be missing',
    fields: { account, epoch, from, to, why: reason, instrumentCount },
  }),

  deposed: (epoch: number, by: string, claimed: number): SessionEvent => ({
    type: 'Warning',
    reason: 'Deposed',
    message: 'another process has claimed the epoch or a higher one, so the gate stays closed',
    fields: { epoch, by, claimed },
  }),

  released: (epoch: number, by: string, claimed: number): SessionEvent => ({
    type: 'Normal',
    reason: 'EpochReleased',
    message: 'another process has left the epoch or a higher one in good order, so the gate waits for the next one',
    fields: { epoch, by, claimed },
  }),

  unclaimed: (epoch: number, detail: string): SessionEvent => ({
    type: 'Warning',
    reason: 'FenceUnreachable',
    message: 'the epoch is in use and not claimed yet',
    fields: { epoch, detail },
  }),

  deaf: (detail: string): SessionEvent => ({
    type: 'Warning',
    reason: 'FenceUnreachable',
    message: 'claims of other processes are not heard',
    fields: { detail },
  }),

  claimed: (epoch: number): SessionEvent => ({
    type: 'Normal',
    reason: 'EpochClaimed',
    message: 'the epoch is claimed after all',
    fields: { epoch },
  }),

  unreleased: (epoch: number, detail: string): SessionEvent => ({
    type: 'Warning',
    reason: 'FenceUnreachable',
    message: 'the epoch stays claimed, although this process ends',
    fields: { epoch, detail },
  }),

  unfenced: (): SessionEvent => ({
    type: 'Normal',
    reason: 'Unfenced',
    message: 'the bus has no JetStream, so epochs are not claimed',
  }),

  failed: (error: unknown): SessionEvent => ({
    type: 'Warning',
    reason: 'ConvergeFailed',
    message: 'a step failed and is tried again',
    fields: { why: asFault(error).reason, message: asFault(error).message },
  }),

  unsaved: (error: unknown): SessionEvent => ({
    type: 'Warning',
    reason: 'PositionUnsaved',
    message: 'the position cannot be written',
    fields: { detail: asFault(error).message },
  }),
} as const
