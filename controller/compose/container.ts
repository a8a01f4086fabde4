import * as z from 'zod'
import { transient } from '../../crds/contract/fault.ts'
import { labels as ours } from '../engines/engine.ts'

/** A container of a Compose project, as the engine has it. */
export type ComposeContainer = {
  id: string
  name: string
  service: string
  /** Hash that Compose made it with. */
  hash: string
  image: string
  state: string
  exitCode: number
  health: 'healthy' | 'unhealthy' | 'starting' | 'none'
}

const inspectionSchema = z.object({
  Id: z.string(),
  Name: z.string(),
  State: z.object({
    Status: z.string(),
    ExitCode: z.number(),
    Health: z.object({ Status: z.enum(['healthy', 'unhealthy', 'starting', 'none']) }).nullish(),
  }),
  Config: z.object({ Image: z.string(), Labels: z.record(z.string(), z.string()).nullable() }),
})

const label = {
  service: 'com.docker.compose.service',
  hash: 'com.docker.compose.config-hash',
  oneOff: 'com.docker.compose.oneoff',
} as const

/** Arguments that list the ids of a project's containers, running or not. The value of a label is compared whole. */
export const listContainers = (project: string): string[] => [
  ...['container', 'ls', '--all', '--quiet', '--no-trunc', '--filter', `label=com.docker.compose.project=${project}`],
]

/** What `docker inspect` says of them. Left out are those of `docker compose run`, and feeds, which show under a project too. */
export function containersOf(json: string): ComposeContainer[] {
  return parse(json).flatMap(({ Id, Name, State, Config }) => {
    const labels = Config.Labels ?? {}
    const service = labels[label.service]
    if (service === undefined || labels[label.oneOff] === 'True' || labels[ours.owner] !== undefined) return []
    return [
      {
        ...{ id: Id, name: Name.replace(/^\//, ''), service, hash: labels[label.hash] ?? '', image: Config.Image },
        ...{ state: State.Status, exitCode: State.ExitCode, health: State.Health?.Status ?? 'none' },
      },
    ]
  })
}

function parse(json: string): z.infer<typeof inspectionSchema>[] {
  try {
    return z.array(inspectionSchema).parse(JSON.parse(json))
  } catch (error) {
    throw transient('EngineError', 'the answer of docker inspect is not what it should be', error)
  }
}
