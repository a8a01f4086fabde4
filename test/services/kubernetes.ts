import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { ApiextensionsV1Api, KubeConfig } from '@kubernetes/client-node'
import { startDaemon } from './daemon.ts'
import { temporaryDirectory } from './directory.ts'
import { freePorts } from './port.ts'

export type Kubernetes = {
  /** `https://127.0.0.1:PORT`, with a certificate that `config` trusts. */
  readonly url: string
  readonly config: KubeConfig
  readonly pid: number
  stop(): Promise<void>
  freeze(): void
  thaw(): void
}

/** The binary that a test starts: the one that the environment names, or the one on the PATH. */
export const kubeApiserver = (): string => process.env.FEEDPLANE_KUBE_APISERVER || 'kube-crd-apiserver'

/**
 * A Kubernetes API server for CustomResourceDefinitions and custom resources, on an etcd of its own. No core API, no
 * authentication, loopback only.
 */
export async function startKubernetes(): Promise<Kubernetes> {
  const dir = await temporaryDirectory('kubernetes')
  const [clientPort = 0, peerPort = 0, port = 0] = await freePorts(3)
  const etcd = await startEtcd(dir.path, clientPort, peerPort)
  const certificate = join(dir.path, 'certs', 'apiserver.crt')
  const url = `https://127.0.0.1:${port}`
  const config = configFor(url, certificate)
  const apiserver = await startDaemon({
    command: kubeApiserver(),
    args: ['-etcd', `http://127.0.0.1:${clientPort}`, '-listen', `127.0.0.1:${port}`, '-cert-dir', join(dir.path, 'certs')],
    dir: dir.path,
    ready: () => serves(config, certificate),
  }).catch(async error => {
    await etcd.stop()
    throw error
  })
  const stop = async () => {
    await apiserver.stop()
    await etcd.stop()
    await dir.remove()
  }
  return { url, config, pid: apiserver.pid, stop, freeze: apiserver.freeze, thaw: apiserver.thaw }
}

function startEtcd(dir: string, clientPort: number, peerPort: number) {
  const client = `http://127.0.0.1:${clientPort}`
  const peer = `http://127.0.0.1:${peerPort}`
  return startDaemon({
    command: 'etcd',
    args: [
      ...['--data-dir', join(dir, 'etcd'), '--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`],
      '--unsafe-no-fsync',
    ],
    dir,
    ready: async () => (await fetch(`${client}/health`)).ok,
  })
}

function configFor(server: string, caFile: string): KubeConfig {
  const config = new KubeConfig()
  config.loadFromOptions({
    clusters: [{ name: 'test', server, caFile, skipTLSVerify: false }],
    users: [{ name: 'test' }],
    contexts: [{ name: 'test', cluster: 'test', user: 'test' }],
    currentContext: 'test',
  })
  return config
}

// The certificate is written before the port opens. A list is the first thing that any suite asks for.
async function serves(config: KubeConfig, certificate: string): Promise<boolean> {
  await access(certificate)
  await config.makeApiClient(ApiextensionsV1Api).listCustomResourceDefinition()
  return true
}
