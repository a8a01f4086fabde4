import { join } from 'node:path'
import { keyOf } from '../../crds/contract/resource.ts'
import type { Declared } from '../store/declared.ts'
import { countingEngine, type EngineCall } from './counting.ts'
import { openDockerEngine } from './docker/engine.ts'
import type { Engine } from './engine.ts'
import { openProcessEngine } from './process/engine.ts'

export type EngineSurroundings = {
  installation: string
  installationDirectory: string
  stateDirectory: string
  dataDirectory: string
  /** Docker's `config.json` with registry logins. */
  dockerConfigFile?: string | undefined
  log: { warn(fields: object, message: string): void }
  onCall: (hostKey: string, call: EngineCall) => void
}

/** The engine that a Host declares, with every call counted. */
export function openEngine(host: Declared<'Host'>, around: EngineSurroundings): Engine {
  const hostKey = keyOf(host.resource.metadata)
  return countingEngine(openPlain(host, hostKey, around), call => around.onCall(hostKey, call))
}

function openPlain({ resource: { spec } }: Declared<'Host'>, hostKey: string, around: EngineSurroundings): Engine {
  const { installation, installationDirectory, stateDirectory, dataDirectory, dockerConfigFile, log } = around
  if (spec.engine.type === 'docker') {
    const { endpoint, tls } = spec.engine
    return openDockerEngine({
      endpoint: endpoint ?? 'unix:///var/run/docker.sock',
      installation,
      ...(tls && { tls }),
      ...(dockerConfigFile !== undefined && { dockerConfigFile }),
    })
  }
  const root = join(stateDirectory, 'engines', hostKey.replace('/', '-'))
  const compileCache = process.env.NODE_COMPILE_CACHE
  const images = spec.engine.images ?? []
  return openProcessEngine({ root, images, installationDirectory, dataDirectory, compileCache, installation, log })
}
