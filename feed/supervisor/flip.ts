import { asFault } from '../../crds/contract/fault.ts'
import type { Position } from '../session/position.ts'
import { type Opening, type SessionChild, startMs } from './child.ts'

/**
 * A healthy session answers in milliseconds. One that does not run its loop is killed by the patrol after 3 s of silence, so this is for
 * one that does: its gate is closed as soon as it has read the order, and fencing it, because a machine under load or a bus that is slow
 * to confirm (1.5 s at most) delays its answer, would cost the position and a restart.
 */
const answerDeadlineMs = 6000

/**
 * Closes a gate and answers where publishing stands. A session that does not answer is killed, so that two gates are never open;
 * the last known position then has to do.
 */
export async function closeOrFence(child: SessionChild, lastKnown: Position, isDeposed: boolean): Promise<Position> {
  try {
    return await child.close(isDeposed, answerDeadlineMs)
  } catch {
    await child.kill()
    return { ...lastKnown, exact: false }
  }
}

/**
 * Opens a gate at a position. A session that does not answer is killed: it could open later, when another one publishes. One that is
 * still starting gets its time: on a machine that starts fifty of them, killing the slow ones makes all of them slower.
 */
export async function openOrFence(child: SessionChild, opening: Opening): Promise<void> {
  try {
    await child.open(opening, child.isStarting ? startMs : answerDeadlineMs)
  } catch (error) {
    await child.kill()
    throw asFault(error)
  }
}
