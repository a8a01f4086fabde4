// needs: docker
import { expect, it } from 'vitest'
import { startDocker } from './docker.ts'

it('removes every container, network, volume and image of its scope, and no other', async () => {
  const engine = await startDocker()
  const other = await startDocker()
  await engine.ensureImage('busybox:1.36')
  for (const { docker, project, label } of [engine, other]) {
    await docker('network', 'create', `${project}-net`)
    await docker('volume', 'create', '--label', label, `data-of-${project}`)
    await docker('run', '-d', '--name', `${project}-a`, '--network', `${project}-net`, 'busybox:1.36', 'sleep', '600')
    await docker('run', '-d', '--label', `com.docker.compose.project=${project}`, 'busybox:1.36', 'sleep', '600')
    await docker('tag', 'busybox:1.36', `example.invalid/${project}/image:1`)
  }
  await engine.stop()
  expect(await owned(engine)).toEqual([0, 0, 0, 0])
  expect(await owned(other)).toEqual([2, 1, 1, 1])
  await other.stop()
  expect(await owned(other)).toEqual([0, 0, 0, 0])
})

async function owned({ docker, project }: Awaited<ReturnType<typeof startDocker>>): Promise<number[]> {
  const lists = await Promise.all([
    docker('ps', '-a', '--format', '{{.Names}} {{.Label "com.docker.compose.project"}}'),
    docker('network', 'ls', '--format', '{{.Name}}'),
    docker('volume', 'ls', '--format', '{{.Name}}'),
    docker('image', 'ls', '--format', '{{.Repository}}'),
  ])
  return lists.map(list => list.split('\n').filter(line => line.includes(project)).length)
}
