import { posix } from 'node:path'

/**
 * Container settings that people look for in a Feed and that no feed may have, each with the reason. Access to the host is what
 * they have in common (docs/concepts/sources.md).
 */
const why = {
  root: 'a feed runs as a user of its own without rights on the host',
  host: "a feed sees only its own container, never the host's namespaces",
  device: 'a feed gets no device of the host',
  capability: 'a feed runs with all capabilities dropped and cannot gain any',
  mount: 'a feed mounts nothing but its own directory and read-only folders',
  port: 'the controller reaches a feed through its one port, published on loopback or on the network of the Host',
  engine: 'the engine fixes it for every feed',
} as const

const binds = 'name read-only folders in spec.container.binds, below one of bindRoots of the Host'
const remove = 'remove it'

const forbidden: Record<string, { why: string; hint: string }> = {
  privileged: { why: why.root, hint: remove },
  user: { why: why.root, hint: remove },
  securitycontext: { why: why.root, hint: remove },
  securityopt: { why: why.root, hint: remove },
  readonly: { why: why.engine, hint: 'remove it: the root file system is always read-only' },
  readonlyrootfilesystem: { why: why.engine, hint: 'remove it: the root file system is always read-only' },
  networkmode: { why: why.host, hint: 'name the network in spec.network of the Host' },
  network: { why: why.host, hint: 'name the network in spec.network of the Host' },
  networks: { why: why.host, hint: 'name the network in spec.network of the Host' },
  hostnetwork: { why: why.host, hint: 'name the network in spec.network of the Host' },
  pid: { why: why.host, hint: remove },
  hostpid: { why: why.host, hint: remove },
  ipc: { why: why.host, hint: remove },
  hostipc: { why: why.host, hint: remove },
  uts: { why: why.host, hint: remove },
  usernsmode: { why: why.host, hint: remove },
  cgroupparent: { why: why.host, hint: remove },
  extrahosts: { why: why.host, hint: 'use a name that DNS knows, or an address, in the FeedProfile' },
  sysctls: { why: why.host, hint: remove },
  devices: { why: why.device, hint: remove },
  gpus: { why: why.device, hint: remove },
  capadd: { why: why.capability, hint: remove },
  capdrop: { why: why.capability, hint: 'remove it: all are dropped already' },
  capabilities: { why: why.capability, hint: remove },
  volumes: { why: why.mount, hint: binds },
  volumemounts: { why: why.mount, hint: binds },
  mounts: { why: why.mount, hint: binds },
  tmpfs: { why: why.mount, hint: remove },
  ports: { why: why.port, hint: 'set spec.reach of the Host' },
  expose: { why: why.port, hint: 'set spec.reach of the Host' },
  restart: { why: why.engine, hint: 'remove it: the engine restarts a feed that ends' },
  command: { why: why.engine, hint: 'build the command into the image' },
  entrypoint: { why: why.engine, hint: 'build the entry point into the image' },
  labels: { why: why.engine, hint: 'put labels in metadata.labels' },
  environment: { why: why.engine, hint: 'use spec.container.env, for settings that are not secret' },
  envfile: { why: why.engine, hint: 'use spec.container.env for settings, and Credentials for secrets' },
}

/** Why a setting is forbidden and what to do instead; `undefined` for a name that is only unknown. */
export function forbiddenSetting(name: string): { why: string; hint: string } | undefined {
  const key = name.toLowerCase().replaceAll(/[_-]/g, '')
  return Object.hasOwn(forbidden, key) ? forbidden[key] : undefined
}

/** Whether the name of an environment variable says that its value is a secret. */
export function looksSecret(name: string): boolean {
  return /(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|AUTH_?CODE|CREDENTIAL|PRIVATE)|(^|_)(PASS|PWD|APIKEY|KEY)(_|$)/.test(name)
}

/** Whether binding a path would open the host: the engine's socket or state, other sockets, devices, the whole file system. */
export function opensHost(path: string): boolean {
  const normal = posix.normalize(path).replace(/(?<=.)\/$/, '')
  return (
    normal === '/' ||
    normal.endsWith('.sock') ||
    /^\/(run|var\/run|proc|sys|dev|boot|root|etc|var\/lib\/docker)(\/|$)/.test(normal)
  )
}
