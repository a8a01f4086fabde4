import type { Account, Launch } from '../../crds/contract/desired.ts'
import { stalled } from '../../crds/contract/fault.ts'
import type { AccountSecrets, Gateway } from './gateway.ts'
import { readRecording } from './recording.ts'
import { ReplayGateway } from './replay.ts'
import { SimulatorGateway } from './simulator.ts'

/**
 * The gateway that the profile asks for, not yet open. For a replay the recordings are read here, which takes a moment. Throws a
 * stalled Fault: `GatewayUnavailable`, `FrontMissing`, `FrontInvalid`, and those of `readRecording`.
 */
export function openGateway(
  gateway: Launch['gateway'],
  account: Account,
  secrets: AccountSecrets,
  options: { dataDirectory: string },
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
      throw stalled('GatewayUnavailable', 'the ctp gateway needs the optional package napi-ctp, which this image does not carry')
  }
}

/** MD_ADDRESS of the account (several with commas, `tcp://` may be left out) counts for more than the profile's fronts. */
function frontsOf(gateway: Launch['gateway'], account: Account, { MD_ADDRESS }: AccountSecrets): string[] {
  const own = (MD_ADDRESS ?? '').split(',').map(address => address.trim())
  const addresses = own.filter(address => address !== '').map(address => (address.includes('://') ? address : `tcp://${address}`))
  const fronts = addresses.length > 0 ? addresses : (gateway.fronts?.[account] ?? [])
  if (fronts.length === 0) {
    throw stalled('FrontMissing', `the ${account} account has no front: set gateway.fronts.${account} or its MD_ADDRESS`)
  }
  return fronts
}
