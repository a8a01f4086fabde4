import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { labels } from '../../controller/engines/engine.ts'
import { ControllerProcess } from '../mainjob/controllerprocess.ts'
import { temporaryDirectory } from '../services/directory.ts'
import { type Declaration, manifestsOf } from './manifest.ts'

export const secretsDirectory = join(import.meta.dirname, '../../examples/quickstart/secrets')

/** Short, so that "by resync" and "over several looks" are a matter of seconds. */
export const resyncMs = 500

/** Runs the docker command line against one engine; answers its output and throws with its standard error. */
export type DockerCommand = (...args: string[]) => Promise<string>

/** The real controller as a process, over declared feeds on one engine. */
export type World = {
  docker: DockerCommand
  controller: ControllerProcess
  manifests: string
  /** The controller's state. */
  state: string
  /** File of the feeds, the one that rows edit. */
  feedFile: string
  namespace: string
  /** `namespace/name` of each feed. */
  keys: string[]
  /** All containers that carry the feed's owner label, in whatever state. */
  containers(key?: string): Promise<Container[]>
  /** Ends the controller and removes the containers of the namespace, so that the next row has the machine to itself. */
  close(): Promise<void>
}

export type Container = { ID: string; Names: string; State: string }

export type WorldOptions = {
  docker: DockerCommand
  declaration: Declaration
  /** Environment of the controller beside the test's own. */
  env?: Record<string, string>
}

/** Writes the declarations and starts the controller on them. */
export async function openWorld({ docker, declaration, env = {} }: WorldOptions): Promise<World> {
  const { namespace, feeds = ['feed'] } = declaration
  const { path, remove } = await temporaryDirectory('faults')
  const manifests = join(path, 'manifests')
  mkdirSync(manifests)
  for (const [name, text] of Object.entries(manifestsOf(declaration))) writeFileSync(join(manifests, name), text)
  const state = join(path, 'state')
  const controller = await ControllerProcess.create({
    manifests,
    secrets: secretsDirectory,
    state,
    resyncMs,
    env,
  })
  const keys = feeds.map(name => `${namespace}/${name}`)
  const close = async () => {
    await controller.kill()
    await removeContainers(docker, namespace)
    await remove()
  }
  try {
    await controller.start()
  } catch (error) {
    await close()
    throw error
  }
  const containers = (key = keys[0]) => containersOf(docker, String(key))
  return { docker, controller, manifests, state, feedFile: join(manifests, 'feeds.yaml'), namespace, keys, containers, close }
}

async function containersOf(docker: DockerCommand, key: string): Promise<Container[]> {
  const filter = `label=${labels.owner}=Feed/${key}`
  const lines = await docker('ps', '--all', '--no-trunc', '--filter', filter, '--format', '{{json .}}')
  return lines === '' ? [] : lines.split('\n').map(line => JSON.parse(line) as Container)
}

async function removeContainers(docker: DockerCommand, namespace: string): Promise<void> {
  const ids = (await docker('ps', '--all', '--quiet', '--filter', `name=^/?${namespace}-`)).split('\n').filter(id => id !== '')
  if (ids.length > 0) await docker('rm', '--force', '--volumes', ...ids)
}
