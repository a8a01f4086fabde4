/**
 * The one interface between the reconciler and whatever runs feeds. Implementations: `docker/`, `process/` (and later a simulated
 * one). `engine.conformance.ts` holds all of them to the same promises.
 *
 * Promises of every implementation:
 * - Names are unique. `create` under a name that is taken throws a stalled Fault `NameTaken` that says by whom, unless the
 *   holder carries our owner label with the same value, which throws a transient Fault `AlreadyExists`.
 * - `start` of what runs, `stop` of what is stopped, `remove` of what is absent and `rename` to its own name do nothing and succeed.
 * - Nothing without our owner label is ever written to: `stop`, `remove`, `rename` and `start` of a stranger throw a stalled
 *   Fault `NotOurs`.
 * - Every call ends by its signal or by the engine's own deadline with a transient Fault `EngineTimeout`; an engine that cannot be
 *   reached throws a transient Fault `EngineUnreachable`.
 * - Absence is `undefined`, not an exception; a write that needs what is absent throws a transient Fault `WorkloadMissing`.
 * - What carries another installation's label is a stranger's. `create` puts this installation's label on whatever the spec says.
 * - What has a workload's name has its files: a creation that was cut short leaves nothing under the name, and the next one clears it.
 */
export type Engine = {
  readonly type: 'docker' | 'process'
  /** Version as the engine reports it, `Docker 28.2.2 (API 1.50)`. */
  version(signal: AbortSignal): Promise<string>
  /** Its clock, in ms since 1970, to within a second. */
  clock(signal: AbortSignal): Promise<number>
  /** Workloads that carry our owner label, with or without the given owner value; running or not. */
  list(signal: AbortSignal): Promise<Workload[]>
  /** Any workload by name or id, ours or a stranger's. */
  inspect(nameOrId: string, signal: AbortSignal): Promise<Workload | undefined>
  /** The image as the engine has it, without asking any registry. */
  findImage(reference: string, signal: AbortSignal): Promise<Image | undefined>
  /**
   * Asks the registry. Throws stalled `ImageNotFound` (no such tag or repository), stalled `RegistryDenied`,
   * transient `ImagePullFailed` (anything else).
   */
  pullImage(reference: string, signal: AbortSignal): Promise<Image>
  /**
   * Creates a stopped workload with its directory and files. Returns its id. Throws stalled `InvalidSpec` for what cannot be run, and
   * transient `ImageMissing` where the engine does not have the image (any more).
   */
  create(spec: WorkloadSpec, signal: AbortSignal): Promise<string>
  /** Replaces the given files in the workload's directory, running or not: whole files, 0400, atomically where it can. */
  writeFiles(name: string, files: WorkloadFile[], signal: AbortSignal): Promise<void>
  start(name: string, signal: AbortSignal): Promise<void>
  /** SIGTERM, then SIGKILL after the grace time of the spec. Resolves when it has stopped. */
  stop(name: string, signal: AbortSignal): Promise<void>
  rename(from: string, to: string, signal: AbortSignal): Promise<void>
  /** Stops and removes the workload and its directory. */
  remove(name: string, signal: AbortSignal): Promise<void>
  /**
   * Joins a workload to the network of its spec again, from which somebody has taken it; running or not, and without a restart. Nothing where it
   * is joined, or where the engine has no networks.
   */
  connect(name: string, signal: AbortSignal): Promise<void>
  /** Removes a network that this installation has made and that no container is on, running or not. Any other one stays, without a word. */
  releaseNetwork(network: string, signal: AbortSignal): Promise<void>
  /** The last lines of standard output and error. */
  logs(name: string, lines: number, signal: AbortSignal): Promise<string>
  /**
   * Hints that something of ours changed: names of workloads, never the truth itself. Calls `onChange()` with no name after a
   * reconnect, when anything may have changed. Runs until the signal; survives the engine's restarts.
   */
  watch(onChange: (name?: string) => void, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

export type Image = {
  reference: string
  /** Content address: a repository digest `name@sha256:...` where there is one, else the engine's image id. */
  digest: string
}

/** Labels of ours on every workload. The values never hold a secret; the digest of one is keyed. */
export const labels = {
  /** Owner: `KIND/namespace/name`. */
  owner: 'dev.feedplane.owner',
  revision: 'dev.feedplane.revision',
  /** Digest of the WorkloadSpec without files, versioned. Decides "nothing to do". */
  specDigest: 'dev.feedplane.spec-digest',
  /** Which controller installation owns it, so that two on one engine do not fight. */
  installation: 'dev.feedplane.installation',
} as const

export type WorkloadFile = {
  /** Relative to the workload's directory, such as `secrets/primary/PASSWORD`. */
  path: string
  content: string
}

/** What to run. Everything that is not here is fixed by the engine: non-root, read-only root, no capabilities, no new privileges. */
export type WorkloadSpec = {
  name: string
  /** Reference by digest where there is one. */
  image: string
  labels: Record<string, string>
  /** Compose project and service to show under. */
  project: string
  service: string
  network: string
  env: Record<string, string>
  memoryBytes: number
  cpus?: number
  pidsLimit: number
  logMaxBytes: number
  logMaxFiles: number
  stopGraceMs: number
  binds: { source: string; target: string }[]
  /** Port that the workload serves HTTP on, inside. */
  port: number
  /** Published on loopback of the engine's host, or reached by name on the network. */
  reach: 'published' | 'network'
  /** Written to the workload's directory (`/var/lib/feedplane` in a container) before it starts. */
  files: WorkloadFile[]
}

export type WorkloadState = 'created' | 'running' | 'restarting' | 'stopped' | 'removing'

export type Workload = {
  id: string
  name: string
  /** `undefined`: a stranger's. */
  owner: string | undefined
  labels: Record<string, string>
  image: string
  state: WorkloadState
  /** Last exit, when it is not running; 137 after SIGKILL. */
  exitCode: number | undefined
  outOfMemory: boolean
  /** Restarts by the engine since it was created. */
  restarts: number
  health: 'healthy' | 'unhealthy' | 'starting' | 'none'
  startedAt: number | undefined
  /** Name of the network of its spec, where it runs and is not on it: somebody has disconnected it. */
  lostNetwork?: string
  /** Base URL of its HTTP port, while it runs and has one. */
  endpoint: string | undefined
}
