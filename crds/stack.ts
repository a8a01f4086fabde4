import * as z from 'zod'
import { baseStatusSchema, resourceName } from './contract/resource.ts'
import { duration } from './duration.ts'
import { defineKind } from './kind.ts'
import { pathBeside } from './path.ts'

/** Labels of a service in a Compose file that speak to a Stack. */
export const stackLabels = {
  /** `unmanaged`: a Stack leaves the service alone, as one that it would end itself with. */
  managed: 'dev.feedplane.stack',
  /** A signal, such as SIGHUP, that has the service read its configuration again, where a file that it binds has changed. */
  reload: 'dev.feedplane.stack.reload',
} as const

const composeName = z
  .string()
  .max(63)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, 'use letters, digits, "_", "." and "-", beginning with a letter or digit')

export const stackSpec = z.strictObject({
  hostRef: resourceName.meta({ description: 'Host that the services run on; it needs a Docker engine.' }),
  project: resourceName.meta({ description: 'Compose project. Not the one that the feeds of a Host show under.' }),
  files: z.array(pathBeside).min(1).max(16).meta({
    description: 'Compose files, from the folder of the file that declares the Stack; a later one adds to those before.',
  }),
  envFile: pathBeside.optional().meta({ description: 'File of variables, from the same folder. It holds no secret.' }),
  profiles: z
    .array(composeName)
    .max(64)
    .optional()
    .meta({ description: 'Profiles that run; when absent those of COMPOSE_PROFILES in the env file.' }),
  services: z
    .array(composeName)
    .min(1)
    .max(256)
    .optional()
    .meta({ description: 'Services that run; all that the profiles allow when absent.' }),
  prune: z.boolean().default(true).meta({
    description: 'Remove containers of services that this Stack ran and that are no longer declared. Volumes are kept.',
  }),
  deletionPolicy: z.enum(['Keep', 'Remove']).default('Keep').meta({
    description: 'What becomes of the containers when the Stack is no longer declared, or moves. Remove keeps the volumes.',
  }),
  unhealthyAfter: duration('60s').meta({
    description:
      'How long the health check of a service may fail before it is restarted; each further restart waits twice as long.',
  }),
  timeout: duration('10m').meta({ description: 'Longest time of one Compose command, with the images that it pulls.' }),
  suspend: z.boolean().default(false).meta({ description: 'Stop reconciling. The services go on.' }),
})

export type StackSpec = z.infer<typeof stackSpec>

const service = z.object({
  name: z.string().meta({ description: 'Name in the Compose file.' }),
  ready: z.boolean().meta({ description: 'Whether it runs as it is declared, and its health check passes.' }),
  state: z
    .string()
    .meta({ description: 'missing, created, running, restarting, paused, exited, dead; completed: it ended with 0, as it may.' }),
  health: z.string().meta({ description: 'healthy, unhealthy, starting; none: it has no health check.' }),
  desiredHash: z.string().meta({ description: 'What Compose makes of its declaration.' }),
  runningHash: z.string().optional().meta({ description: 'The same of the container that is there.' }),
  image: z.string().optional().meta({ description: 'Image of the container; of the declaration where there is none.' }),
  container: z.string().optional().meta({ description: 'Name of the container.' }),
  message: z.string().optional().meta({ description: 'Why it is not ready.' }),
})
export type StackService = z.infer<typeof service>

export const stack = defineKind({
  kind: 'Stack',
  plural: 'stacks',
  shortNames: ['stk'],
  description: 'The supporting services of a host: Compose files, their variables and profiles, converged with Compose itself.',
  spec: stackSpec,
  status: baseStatusSchema.extend({
    project: z.string().optional().meta({ description: 'Compose project.' }),
    composeVersion: z.string().optional().meta({ description: 'Version of Docker Compose that converges it.' }),
    ready: z.string().optional().meta({ description: 'Services that are ready, of all: 5/6.' }),
    services: z.array(service).optional().meta({ description: 'The services that it runs, by name.' }),
    unmanaged: z.array(z.string()).optional().meta({ description: 'Services of the files that it leaves alone.' }),
  }),
  columns: [
    { name: 'Host', path: '.spec.hostRef' },
    { name: 'Project', path: '.spec.project' },
    { name: 'Services', path: '.status.ready' },
    { name: 'Compose', path: '.status.composeVersion', wide: true },
    { name: 'Ready', path: ".status.conditions[?(@.type=='Ready')].status" },
    { name: 'Message', path: ".status.conditions[?(@.type=='Ready')].message" },
  ],
  rules: [],
})
