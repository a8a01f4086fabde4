import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { buildImages } from '../../compose/image.ts'
import { type Docker, startDocker } from '../services/docker.ts'
import type { Found, Ground } from './stage.ts'

const root = resolve(import.meta.dirname, '../..')
const buildMs = 240_000

/** Light feeds as containers. What is done behind the controller's back is done with the docker command. */
export async function openDockerGround(state: string): Promise<Ground> {
  const engine = await startDocker()
  const { project, docker } = engine
  await buildLightImages(engine, join(state, 'images'))
  return {
    host: { engine: { type: 'docker' }, network: `${project}-network`, project: `${project}-feeds` },
    namespace: project,
    reference: image => referenceOf(engine, image),
    workloads: () => workloadsOf(engine),
    drifts: ['kill', 'stop', 'remove', 'rename'],
    async drift(how, { name }) {
      const args = { kill: ['kill', name], stop: ['stop', '--time', '1', name], remove: ['rm', '--force', name] }
      await docker(...(how === 'rename' ? ['rename', name, `${name}-stray`] : args[how])).catch(ignoreGone)
    },
    stop: () => engine.stop(),
  }
}

const referenceOf = ({ project }: Docker, image: string): string => `${project}/light:${image}`

async function buildLightImages(engine: Docker, context: string): Promise<void> {
  await buildImages({ tag: engine.project, signal: AbortSignal.timeout(buildMs) })
  await mkdir(context)
  await copyFile(join(root, 'bench/lightfeed.ts'), join(context, 'lightfeed.ts'))
  const base = `FROM feedplane/feed:${engine.project}\nCOPY lightfeed.ts bench/lightfeed.ts\n`
  const entries: Record<string, string> = {
    'good-1': '["node", "bench/lightfeed.ts"]',
    'good-2': '["node", "bench/lightfeed.ts", "--again"]',
    'never-logs-in': '["node", "bench/lightfeed.ts", "--mute"]',
    crashes: '["node", "-e", "process.exit(3)"]',
  }
  for (const [name, entry] of Object.entries(entries)) {
    const file = join(context, `${name}.Dockerfile`)
    await writeFile(file, `${base}ENTRYPOINT ${entry}\n`)
    const args = ['--quiet', '--network', 'none', '--label', engine.label, '--tag', referenceOf(engine, name), '--file', file]
    await engine.docker('build', ...args, context)
  }
}

async function workloadsOf({ project, docker }: Docker): Promise<Found[]> {
  const filter = `label=com.docker.compose.project=${project}-feeds`
  const lines = await docker('ps', '--all', '--filter', filter, '--format', '{{.Names}} {{.State}} {{.Ports}}')
  return lines.split('\n').flatMap(line => {
    const [name = '', state, ports = ''] = line.split(' ')
    const [, port] = /127\.0\.0\.1:(\d+)->/.exec(ports) ?? []
    const endpoint = port === undefined ? undefined : `http://127.0.0.1:${port}`
    return name === '' ? [] : [{ name, isRunning: state === 'running' || state === 'restarting', endpoint }]
  })
}

/** Between the look and the act the controller may have removed or renamed it. */
function ignoreGone(error: Error): void {
  if (!/No such container|is not running|is already in progress|removal of container/i.test(error.message)) throw error
}
