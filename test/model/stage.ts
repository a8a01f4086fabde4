import { rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Drift } from '../../controller/simulation/act.ts'
import { ControllerProcess } from '../mainjob/controllerprocess.ts'
import { save } from '../mainjob/edit.ts'
import { temporaryDirectory } from '../services/directory.ts'
import { type Declaration, feedManifest, feedName, firstDeclaration, groundManifest } from './manifest.ts'

const root = resolve(import.meta.dirname, '../..')

/** A workload of the feed as its engine has it. `endpoint`: its port, while it runs. */
export type Found = { name: string; isRunning: boolean; endpoint: string | undefined }

/** An engine with light feeds on it: how the model sees what is there, and what it does behind the controller's back. */
export type Ground = {
  /** Spec of the Host. */
  host: object
  namespace: string
  /** `good-1` as this engine calls it. */
  reference(image: string): string
  workloads(): Promise<Found[]>
  drifts: readonly Drift[]
  drift(how: Drift, workload: Found): Promise<void>
  stop(): Promise<void>
}

/** One feed under the real controller, with its declarations on disk. */
export type ModelStage = Ground & {
  key: string
  controller: ControllerProcess
  readonly declared: Declaration
  readonly isDeclared: boolean
  edit(change: Partial<Declaration>): void
  setDeclared(isDeclared: boolean): void
}

/** `open` makes the engine; it is told where the controller keeps its state. */
export async function openModelStage(open: (state: string) => Promise<Ground>): Promise<ModelStage> {
  const { path, remove } = await temporaryDirectory('model')
  const [manifests, state] = [join(path, 'manifests'), join(path, 'state')]
  await Promise.all([mkdir(manifests), mkdir(state)])
  const ground = await open(state)
  await writeFile(join(manifests, 'ground.yaml'), groundManifest(ground.namespace, ground.host))
  const secrets = join(root, 'examples/quickstart/secrets')
  const controller = await ControllerProcess.create({ manifests, secrets, state, resyncMs: 300 })
  const file = join(manifests, 'feed.yaml')
  let declared = firstDeclaration
  let isDeclared = true
  const write = () => {
    if (isDeclared) save(file, feedManifest(ground.namespace, declared, ground.reference))
    else rmSync(file, { force: true })
  }
  write()
  await controller.start()
  return {
    ...ground,
    key: `${ground.namespace}/${feedName}`,
    controller,
    get declared() {
      return declared
    },
    get isDeclared() {
      return isDeclared
    },
    edit(change) {
      declared = { ...declared, ...change }
      write()
    },
    setDeclared(value) {
      isDeclared = value
      write()
    },
    async stop() {
      await controller.stop()
      await ground.stop()
      await remove()
    },
  }
}
