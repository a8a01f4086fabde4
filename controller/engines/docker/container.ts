import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import { canonical } from '../../../crds/contract/digest.ts'
import { stalled } from '../../../crds/contract/fault.ts'
import { labels, type WorkloadSpec } from '../engine.ts'
import { feedUser } from './archive.ts'

/** Where a feed container has its directory. */
export const feedMount = '/var/lib/feedplane'

/** Labels of the Docker engine alone: the port of a workload, and the name that a volume was made for. */
export const dockerLabels = { port: 'dev.feedplane.port', workload: 'dev.feedplane.workload' } as const

const timeZone = 'Asia/Shanghai'
const temporaryBytes = 64 * 1024 * 1024

/** Version of Compose whose labels these are: what `docker compose ps` and `logs` of v2 read. */
const composeVersion = '2.26.1'

/** Body of `POST /containers/create`: least rights, bounded memory, processes and logs, and nothing secret. */
export function containerOf(spec: WorkloadSpec, volume: string, installation: string): object {
  return {
    Image: spec.image,
    User: `${feedUser}:${feedUser}`,
    Env: Object.entries({ ...spec.env, FEEDPLANE_BIND: '0.0.0.0', TZ: timeZone }).map(([name, value]) => `${name}=${value}`),
    Labels: { ...composeLabels(spec), ...ownLabels(spec, installation), [dockerLabels.port]: String(spec.port) },
    ExposedPorts: { [`${spec.port}/tcp`]: {} },
    StopSignal: 'SIGTERM',
    StopTimeout: Math.ceil(spec.stopGraceMs / 1000),
    HostConfig: { ...limitsOf(spec), ...isolation, ...reachOf(spec), Mounts: mountsOf(spec, volume, installation) },
    NetworkingConfig: { EndpointsConfig: { [spec.network]: {} } },
  }
}

/** The spec's labels, and the installation whatever the spec says. */
export const ownLabels = (spec: WorkloadSpec, installation: string): Record<string, string> => ({
  ...spec.labels,
  [labels.installation]: installation,
})

/** Throws stalled `InvalidSpec` for a bind that hands out the engine, the kernel's files or the whole host. */
export function checkBinds(spec: WorkloadSpec, socket: string | undefined): void {
  const sockets = [...(socket === undefined ? [] : [socket]), '/var/run/docker.sock', '/run/docker.sock']
  for (const { source, target } of spec.binds) {
    const refuse = (why: string): never => {
      throw stalled('InvalidSpec', `${spec.name} may not bind ${source} at ${target}: ${why}`)
    }
    if ([source, target].some(path => !posix.isAbsolute(path) || posix.normalize(path) !== path || path.includes('\0'))) {
      refuse('write both as plain absolute paths')
    }
    if (sockets.some(path => contains(source, path))) refuse('it holds the Docker socket, which is root on the host')
    if (['/proc', '/sys', '/dev'].some(root => contains(root, source))) refuse("it is the kernel's")
    if (contains(target, feedMount) || contains(feedMount, target)) refuse(`${feedMount} is the feed's own directory`)
  }
}

const contains = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`)

const isolation = {
  Init: true,
  ReadonlyRootfs: true,
  CapDrop: ['ALL'],
  SecurityOpt: ['no-new-privileges:true'],
  Tmpfs: { '/tmp': `rw,noexec,nosuid,nodev,size=${temporaryBytes},mode=1777` },
  RestartPolicy: { Name: 'unless-stopped' },
  // A core file would hold the passwords.
  Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
}

function limitsOf(spec: WorkloadSpec): object {
  return {
    Memory: spec.memoryBytes,
    MemorySwap: spec.memoryBytes,
    PidsLimit: spec.pidsLimit,
    ...(spec.cpus === undefined ? {} : { NanoCpus: Math.round(spec.cpus * 1e9) }),
    LogConfig: { Type: 'json-file', Config: { 'max-size': String(spec.logMaxBytes), 'max-file': String(spec.logMaxFiles) } },
  }
}

function reachOf({ reach, port, network }: WorkloadSpec): object {
  const published = { [`${port}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: '' }] }
  return { NetworkMode: network, ...(reach === 'published' ? { PortBindings: published } : {}) }
}

// `Mounts` and not `Binds`: a source that is not there is an error then, and not an empty folder made by root.
function mountsOf(spec: WorkloadSpec, volume: string, installation: string): object[] {
  const labelled = { ...ownLabels(spec, installation), [dockerLabels.workload]: spec.name }
  const own = { Type: 'volume', Source: volume, Target: feedMount, VolumeOptions: { Labels: labelled } }
  return [own, ...spec.binds.map(({ source, target }) => ({ Type: 'bind', Source: source, Target: target, ReadOnly: true }))]
}

function composeLabels(spec: WorkloadSpec): Record<string, string> {
  const { files: _secret, ...open } = spec
  return {
    'com.docker.compose.project': spec.project,
    'com.docker.compose.service': spec.service,
    'com.docker.compose.oneoff': 'False',
    'com.docker.compose.container-number': '1',
    'com.docker.compose.config-hash': createHash('sha256').update(canonical(open)).digest('hex'),
    'com.docker.compose.version': composeVersion,
    'com.docker.compose.project.config_files': '',
    'com.docker.compose.project.working_dir': '',
    'com.docker.compose.depends_on': '',
  }
}
