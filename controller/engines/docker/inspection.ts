import * as z from 'zod'
import { labels, type Workload, type WorkloadState } from '../engine.ts'
import { ownerOf } from '../ownership.ts'
import { dockerLabels } from './container.ts'

const bindingSchema = z.object({ HostIp: z.string(), HostPort: z.string() })

/** What is read of `GET /containers/{id}/json`. */
export const inspectionSchema = z.object({
  Id: z.string(),
  Name: z.string(),
  RestartCount: z.number(),
  State: z.object({
    Status: z.string(),
    ExitCode: z.number(),
    OOMKilled: z.boolean(),
    StartedAt: z.string(),
    Health: z.object({ Status: z.string() }).nullish(),
  }),
  Config: z.object({
    Image: z.string(),
    Tty: z.boolean(),
    Labels: z.record(z.string(), z.string()).nullish(),
    StopTimeout: z.number().nullish(),
  }),
  HostConfig: z.object({ NetworkMode: z.string() }),
  Mounts: z.array(z.object({ Type: z.string(), Name: z.string().optional(), Destination: z.string() })),
  NetworkSettings: z.object({
    Ports: z.record(z.string(), z.array(bindingSchema).nullable()).nullish(),
    Networks: z.record(z.string(), z.unknown()).nullish(),
  }),
})

export type Inspection = z.infer<typeof inspectionSchema>

/** Name without the slash that the engine puts before it. */
export const nameOf = ({ Name }: Inspection): string => Name.replace(/^\//, '')

export const labelsOf = ({ Config }: Inspection): Record<string, string> => Config.Labels ?? {}

export function workloadOf(found: Inspection, installation: string): Workload {
  const { State } = found
  const state = stateOf(State.Status)
  const lost = state === 'running' ? lostNetworkOf(found) : undefined
  return {
    id: found.Id,
    name: nameOf(found),
    owner: ownerOf(labelsOf(found), installation),
    labels: labelsOf(found),
    image: found.Config.Image,
    state,
    exitCode: state === 'running' || state === 'created' ? undefined : State.ExitCode,
    outOfMemory: State.OOMKilled,
    restarts: found.RestartCount,
    health: healthOf(State.Health?.Status),
    startedAt: timeOf(State.StartedAt),
    ...(lost !== undefined && { lostNetwork: lost }),
    endpoint: state === 'running' && lost === undefined ? endpointOf(found) : undefined,
  }
}

/** The network that it was made for, where it is not on that. An engine that tells nothing of networks tells nothing of a loss either. */
function lostNetworkOf({ HostConfig, NetworkSettings: { Networks } }: Inspection): string | undefined {
  return Networks && !(HostConfig.NetworkMode in Networks) ? HostConfig.NetworkMode : undefined
}

const states: Record<string, WorkloadState> = {
  created: 'created',
  running: 'running',
  paused: 'running',
  restarting: 'restarting',
  removing: 'removing',
  exited: 'stopped',
  dead: 'stopped',
}

const stateOf = (status: string): WorkloadState => states[status] ?? 'stopped'

function healthOf(status: string | undefined): Workload['health'] {
  return status === 'healthy' || status === 'unhealthy' || status === 'starting' ? status : 'none'
}

// Year 1 is Go's zero time: never.
function timeOf(text: string): number | undefined {
  const time = Date.parse(text)
  return Number.isNaN(time) || time <= 0 ? undefined : time
}

function endpointOf(found: Inspection): string | undefined {
  const port = labelsOf(found)[dockerLabels.port]
  if (port === undefined || labelsOf(found)[labels.owner] === undefined) return undefined
  const bound = found.NetworkSettings.Ports?.[`${port}/tcp`]?.[0]
  return bound === undefined ? `http://${nameOf(found)}:${port}` : `http://${bound.HostIp}:${bound.HostPort}`
}
