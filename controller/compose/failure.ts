import { Fault, stalled, transient } from '../../crds/contract/fault.ts'
import { withoutSecrets } from '../sources/problem.ts'

/** A docker command that ended with another exit code than 0; the message is what it said. */
export class CommandFailed extends Error {
  constructor(output: string) {
    super(wordsOf(output))
    this.name = 'CommandFailed'
  }
}

/** Most of what Compose says that a status repeats. */
const maxWords = 500

type Row = [pattern: RegExp, reason: string, make: typeof transient]

// Neither Docker nor Compose has machine-readable reasons, so their words decide: first match. Of Compose 2.24 to 2.40.
const ofDocker: Row[] = [
  [
    /is not a docker command|unknown command: docker compose|unknown shorthand flag|unknown flag: --short/i,
    'ComposeMissing',
    stalled,
  ],
  [/Cannot connect to the Docker daemon|error during connect/i, 'EngineUnreachable', transient],
  [/permission denied while trying to connect/i, 'EngineUnreachable', transient],
]

const ofFiles: Row[] = [
  [/required variable \S+ is missing a value/i, 'ComposeVariableMissing', stalled],
  [/no such file or directory|Couldn't find env file|is a directory|permission denied/i, 'ComposeFileUnreadable', stalled],
  [/no such service/i, 'ServiceUnknown', stalled],
  [/(?:)/, 'ComposeFileInvalid', stalled],
]

const ofEngine: Row[] = [
  [/port is already allocated|address already in use/i, 'PortTaken', transient],
  [/no space left on device/i, 'DiskFull', transient],
  [
    /pull access denied|manifest unknown|no such image|no such host|\/v2\/|unauthorized|not found: manifest/i,
    'ImagePullFailed',
    transient,
  ],
  [/is unhealthy|dependency failed to start/i, 'DependencyUnhealthy', transient],
  [/(?:)/, 'ComposeFailed', transient],
]

/** Why the declared files are not what Compose can read: stalled, because only an edit helps, where it is not Docker that is missing. */
export function fileFault(error: unknown): Fault {
  return faultOf(error, [...ofDocker, ...ofFiles], words => words)
}

/** Why the engine was not brought to what is declared. `what` says what was tried. */
export function engineFault(what: string, error: unknown): Fault {
  return faultOf(error, [...ofDocker, ...ofEngine], words => `docker did not ${what}: ${words || 'it does not say why'}`)
}

function faultOf(error: unknown, rows: Row[], sentence: (words: string) => string): Fault {
  if (error instanceof Fault) return error
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
    return stalled('ComposeMissing', 'there is no docker command here: install it with the Compose plugin, 2.24 or newer', error)
  const words = error instanceof Error ? error.message : String(error)
  const [, reason = 'ComposeFailed', make = transient] = rows.find(([pattern]) => pattern.test(words)) ?? []
  return make(reason, sentence(words), error)
}

function wordsOf(output: string): string {
  const lines = output.split('\n').map(line => line.trim())
  const said = lines.filter(line => line !== '' && !/^time=\S+ level=(warning|info)/.test(line))
  return withoutSecrets(said.join(' ')).slice(0, maxWords)
}
