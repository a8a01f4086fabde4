import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { kubeApiserver } from './kubernetes.ts'

const run = promisify(execFile)
const probeTimeoutMs = 10_000

/** What a suite's first line may name: `// needs: docker, nats-server`. */
export const services = [
  'docker',
  'compose',
  'registry',
  'nats-server',
  'prometheus',
  'promtool',
  'alertmanager',
  'pushgateway',
  'etcd',
  'kube-crd-apiserver',
  'openssl',
  'systemd-analyze',
] as const

export type Service = (typeof services)[number]

/** For each service `undefined` where it can be used here, or why not, in words. */
export async function missingServices(): Promise<Map<Service, string | undefined>> {
  return new Map(await Promise.all(services.map(async service => [service, await probes[service]()] as const)))
}

const oldestNats = [2, 10]
const oldestAlertmanager = 26

const probes: Record<Service, () => Promise<string | undefined>> = {
  docker: () => answer('docker', ['version', '--format', '{{.Server.Version}}'], 'no Docker engine answers'),
  compose: () => answer('docker', ['compose', 'version', '--short'], 'the docker command has no Compose v2 plugin'),
  registry: () => answer('docker-registry', ['--version']),
  'nats-server': natsServer,
  prometheus: () => answer('prometheus', ['--version']),
  promtool: () => answer('promtool', ['--version']),
  alertmanager,
  pushgateway: () => answer('prometheus-pushgateway', ['--version']),
  etcd: () => answer('etcd', ['--version']),
  'kube-crd-apiserver': () => answer(kubeApiserver(), ['-h']),
  openssl: () => answer('openssl', ['version']),
  'systemd-analyze': () => answer('systemd-analyze', ['--version']),
}

/** Older ones read a webhook's URL from no file. */
async function alertmanager(): Promise<string | undefined> {
  const missing = (await answer('amtool', ['--version'])) ?? (await answer('prometheus-alertmanager', ['--version']))
  if (missing !== undefined) return missing
  const { stdout } = await run('amtool', ['--version'])
  const [, version, minor] = /version (0\.(\d+)\S*)/.exec(stdout) ?? []
  return Number(minor) < oldestAlertmanager ? `alertmanager ${version} is older than 0.${oldestAlertmanager}` : undefined
}

async function natsServer(): Promise<string | undefined> {
  const missing = await answer('nats-server', ['--version'])
  if (missing !== undefined) return missing
  const version = (await run('nats-server', ['--version'])).stdout.trim()
  const [major = 0, minor = 0] = (/v(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number)
  const [oldestMajor = 0, oldestMinor = 0] = oldestNats
  const isOld = major < oldestMajor || (major === oldestMajor && minor < oldestMinor)
  return isOld ? `${version} is older than ${oldestNats.join('.')}` : undefined
}

async function answer(command: string, args: string[], refused?: string): Promise<string | undefined> {
  try {
    await run(command, args, { timeout: probeTimeoutMs })
    return undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return `${command} is not installed`
    return refused ?? `${command} ${args.join(' ')} fails: ${firstLine(error)}`
  }
}

const firstLine = (error: unknown): string => (error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error))
