import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import pino from 'pino'
import { openDesk } from '../controller/desk.ts'
import { openEngine } from '../controller/engines/open.ts'
import { imagePuller } from '../controller/engines/puller.ts'
import { engineRegistry } from '../controller/engines/registry.ts'
import { feedClient } from '../controller/feedclient.ts'
import type { FeedPorts } from '../controller/kinds/feed/reconcile.ts'
import { controllerMetrics } from '../controller/metrics.ts'
import { systemClock } from '../controller/runtime/clock.ts'
import { secretReader } from '../controller/secrets/reader.ts'
import { directorySource } from '../controller/sources/directory.ts'
import type { Snapshot } from '../controller/sources/source.ts'
import { openStore } from '../controller/store/store.ts'
import { dataDirectory, installationDirectory, secretsDirectory } from './scene.ts'

const log = pino({ level: 'silent' })

/** What a controller on this folder is made of; manifests are below it. */
export const surroundings = (stateDirectory: string) => ({
  stateDirectory,
  dataDirectory,
  installationDirectory,
  dockerConfigFile: undefined,
  log,
})

/** The controller's own parts, put together without queue, loop and server. */
export async function openPorts(path: string) {
  const store = openStore(join(path, 'controller.db'))
  const stop = new AbortController()
  let writes = 0
  const countWrite = () => void writes++
  const engines = engineRegistry({
    open: host =>
      openEngine(host, {
        ...surroundings(path),
        installation: store.installation.id,
        onCall: (_host, { kind }) => kind === 'write' && countWrite(),
      }),
    onHint: () => undefined,
    onWatchFailed: () => undefined,
  })
  const environment = {}
  const around = { store, clock: systemClock, dataDirectory, environment, metrics: controllerMetrics('bench'), log }
  const desk = openDesk({ ...around, onAffected: () => undefined, onEvent: () => undefined })
  await desk.take(await readOnce(join(path, 'manifests'), store))
  const ports: FeedPorts = {
    clock: systemClock,
    store,
    declared: store.declared,
    engines,
    images: imagePuller(systemClock, () => undefined, stop.signal),
    secrets: secretReader({ environment, directory: secretsDirectory }),
    feeds: { ...feedClient, push: async () => countWrite() },
    dial: async () => undefined,
    catalogues: names => desk.catalogues.load(names),
    problems: desk.problems,
    tokenOf: key => createHmac('sha256', store.installation.digestKey).update(`token ${key}`).digest('base64url'),
    onStep: countWrite,
    onEvent: countWrite,
    onStatus: countWrite,
  }
  const close = async () => {
    stop.abort()
    await engines.close()
    store.close()
  }
  return { ports, writes: () => writes, close }
}

async function readOnce(path: string, { lastGood }: ReturnType<typeof openStore>): Promise<Snapshot> {
  const stop = new AbortController()
  const { promise, resolve } = Promise.withResolvers<Snapshot>()
  const running = directorySource({ path, lastGood }).run(resolve, stop.signal)
  const snapshot = await promise
  stop.abort()
  await running
  return snapshot
}
