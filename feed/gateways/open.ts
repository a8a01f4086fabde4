import type { Account, Launch } from '../../crds/contract/desired.ts'
import { stalled } from '../../crds/contract/fault.ts'
import { frontsNamed } from '../../crds/contract/front.ts'
import { openCtpGateway } from './ctpopen.ts'
import type { AccountSecrets, Gateway } from './gateway.ts'
import { readRecording } from './recording.ts'
import { ReplayGateway } from './replay.ts'
import { SimulatorGateway } from './simulator.ts'

/**
 * The gateway that the profile asks for, not yet open. For a replay the recordings are read here, which takes a moment. In
 * `accountDirectory` the account's gateway may keep files of its own; a new temporary one where it is absent.
 *
 * Throws a stalled Fault: `FrontMissing`, `FrontInvalid`, and those of `readRecording` and `openCtpGateway`.
 */
export function openGateway(
  gateway: Launch['gateway'],
  account: Account,
  secrets: AccountSecrets,
  options: { dataDirectory: string; accountDirectory?: string | undefined },
): Gateway {
  switch (gateway.type) {
    case 'simulator':
      return new SimulatorGateway({ fronts: frontsOf(gateway, account, secrets) })
    case 'replay': {
      if (gateway.replay === undefined)
        throw stalled('RecordingMissing', 'the replay gateway needs gateway.replay with its files')
      const { files, speed, loop, skipBreaks } = gateway.replay
      return new ReplayGateway({ recording: readRecording(options.dataDirectory, files, { skipBreaks }), speed, loop })
    }
    case 'ctp':
      return openCtpGateway({ fronts: frontsOf(gateway, account, secrets), secrets, directory: options.accountDirectory })
  }
}

/** MD_ADDRESS of the account counts for more than the profile's fronts. */
function frontsOf(gateway: Launch['gateway'], account: Account, { MD_ADDRESS }: AccountSecrets): string[] {
  const own = frontsNamed(MD_ADDRESS)
  const fronts = own.length > 0 ? own : (gateway.fronts?.[account] ?? [])
  if (fronts.length === 0) {
    throw stalled('FrontMissing', `the ${account} account has no front: set gateway.fronts.${account} or its MD_ADDRESS`)
  }
  return fronts
}
