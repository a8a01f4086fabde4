import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { missingServices } from '../test/services/availability.ts'
import { temporaryDirectory } from '../test/services/directory.ts'
import type { Docker } from '../test/services/docker.ts'
import type { Beside } from './figure.ts'
import { interleaved, median, timed } from './sample.ts'

const noopRounds = 9
const recreateRounds = 4

/** What a Compose user's reconciler does when there is nothing to do. Absent where there is no Compose. */
export async function composeNoop(signal: AbortSignal): Promise<Beside[]> {
  const missing = await missingServices()
  if (missing.get('docker') !== undefined || missing.get('compose') !== undefined) return []
  const { path, remove } = await temporaryDirectory('compose')
  const project = `fp-bench-${process.pid}`
  const file = join(path, 'compose.yaml')
  writeFileSync(file, 'services:\n  one: {image: "busybox:1.36", command: [sleep, "3600"], init: true}\n')
  const compose = (...args: string[]) =>
    promisify(execFile)('docker', ['compose', '-p', project, '-f', file, ...args], { signal })
  try {
    await compose('up', '-d')
    const { peer } = await interleaved(noopRounds, { peer: () => timed(() => compose('up', '-d')) }, signal)
    return [{ kind: 'peer', name: 'docker compose up -d of one service, nothing to do', value: median(peer) }]
  } finally {
    await promisify(execFile)('docker', ['compose', '-p', project, '-f', file, 'down', '-t', '0', '-v'])
    await remove()
  }
}

/** What a Compose user does for an image edit; it stops and removes the old container too. */
export async function composeRecreate(scope: Docker, image: string, signal: AbortSignal): Promise<number[]> {
  const { path, remove } = await temporaryDirectory('compose')
  const file = join(path, 'compose.yaml')
  const other = `${scope.project}/other:1`
  await scope.docker('tag', image, other)
  const up = async (reference: string) => {
    writeFileSync(file, `services:\n  one: {image: "${reference}", labels: ["${scope.label}"]}\n`)
    const args = ['compose', '-p', scope.project, '-f', file, 'up', '-d']
    return timed(() => promisify(execFile)('docker', args, { signal }))
  }
  try {
    await up(image)
    const samples = await interleaved(recreateRounds, { forth: () => up(other), back: () => up(image) }, signal)
    return [...samples.forth, ...samples.back]
  } finally {
    await remove()
  }
}
