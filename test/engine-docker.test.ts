// needs: docker

import { join } from 'node:path'
import { openDockerEngine } from '../controller/engines/docker/engine.ts'
import { holdsPromises, type Subject } from '../controller/engines/engine.conformance.ts'
import { type Docker, startDocker } from './services/docker.ts'

const fixtures = join(import.meta.dirname, '../controller/engines/docker/fixtures')

async function standinImage({ docker, project }: Docker): Promise<string> {
  const image = `${project}/standin:1`
  await docker('build', '--quiet', '--tag', image, fixtures)
  return image
}

holdsPromises('docker', async (): Promise<Subject> => {
  const docker = await startDocker()
  const { project } = docker
  const engine = openDockerEngine({ endpoint: `unix://${docker.socket}`, installation: project })
  const close = async () => {
    await engine.close()
    await docker.stop()
  }
  return {
    ...{ engine, image: await standinImage(docker), prefix: project, installation: project, network: `${project}-net`, project },
    ...{ uid: 10_001, close },
    stranger: async name => {
      await docker.docker('run', '--detach', '--name', name, '--label', docker.label, 'busybox:1.36', 'sleep', '600')
      return () => docker.docker('inspect', '--format', '{{.Id}} {{.Name}} {{json .State}}', name)
    },
    exposure: async name => {
      const top = await docker.docker('top', name, '-eo', 'pid,args')
      return [await docker.docker('inspect', name), top, await docker.docker('logs', name)].join('\n')
    },
  }
})
