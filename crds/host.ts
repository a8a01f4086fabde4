import * as z from 'zod'
import { baseStatusSchema, resourceName } from './contract/resource.ts'
import { defineKind } from './kind.ts'
import { absolutePath } from './path.ts'

const tlsSchema = z.strictObject({
  ca: z.string().meta({ description: 'File of the private CA, PEM.' }),
  cert: z.string().meta({ description: "File of the controller's certificate, PEM." }),
  key: z.string().meta({ description: "File of the controller's key, PEM, readable by the controller only." }),
})

/** One entry of the process engine's image store: what runs when a feed names the reference. */
const processImageSchema = z.strictObject({
  reference: z.string().min(1).meta({ description: 'Image reference that a Feed names.' }),
  entry: z.string().min(1).meta({ description: 'Entry point, a file that Node runs, relative to the installation.' }),
  args: z.array(z.string()).default([]).meta({ description: 'Arguments after the entry point.' }),
})

const engineSchema = z.strictObject({
  type: z
    .enum(['docker', 'process'])
    .meta({ description: 'docker: a Docker engine; process: child processes of the controller.' }),
  endpoint: z
    .string()
    .regex(/^(unix:\/\/\/[^\0]+|tcp:\/\/[A-Za-z0-9._-]+:\d{1,5})$/, 'write an endpoint as unix:///PATH or tcp://HOST:PORT')
    .optional()
    .meta({ description: 'Docker endpoint; the default is unix:///var/run/docker.sock. tcp needs tls unless it is loopback.' }),
  tls: tlsSchema.optional().meta({ description: 'Mutual TLS, for tcp.' }),
  images: z.array(processImageSchema).max(256).optional().meta({ description: 'Image store of the process engine.' }),
})

export const hostSpec = z.strictObject({
  engine: engineSchema.meta({ description: 'Engine that runs the feeds.' }),
  network: resourceName.default('feedplane').meta({ description: 'Network that feed containers join; created when absent.' }),
  project: resourceName.default('feedplane').meta({ description: 'Compose project that feed containers show under.' }),
  reach: z.enum(['published', 'network']).default('published').meta({
    description: 'How the controller reaches a feed: a port published on loopback, or the container name on the network.',
  }),
  bindRoots: z.array(absolutePath).max(16).default([]).meta({
    description: 'Host folders below which feeds may bind, read-only. None by default.',
  }),
})

export const host = defineKind({
  kind: 'Host',
  plural: 'hosts',
  shortNames: ['fh'],
  description: 'An engine that feeds run on.',
  spec: hostSpec,
  status: baseStatusSchema.extend({
    engineVersion: z.string().optional().meta({ description: 'Version that the engine reports.' }),
    feeds: z.int().optional().meta({ description: 'Feeds on this host.' }),
  }),
  columns: [
    { name: 'Engine', path: '.spec.engine.type' },
    { name: 'Version', path: '.status.engineVersion', wide: true },
    { name: 'Feeds', path: '.status.feeds', type: 'integer' },
  ],
  rules: [
    {
      path: 'engine.images',
      cel: "self.engine.type == 'process' || !has(self.engine.images)",
      holds: spec => spec.engine.type === 'process' || spec.engine.images === undefined,
      message: 'engine.images belongs to the process engine: a Docker engine has its own images',
    },
    {
      path: 'engine.images',
      cel: "self.engine.type != 'process' || (has(self.engine.images) && size(self.engine.images) > 0)",
      holds: spec => spec.engine.type !== 'process' || (spec.engine.images?.length ?? 0) > 0,
      message: 'the process engine needs engine.images: the references that feeds may name, with their entry points',
    },
    {
      path: 'engine.endpoint',
      cel: "self.engine.type == 'docker' || !has(self.engine.endpoint)",
      holds: spec => spec.engine.type === 'docker' || spec.engine.endpoint === undefined,
      message: 'engine.endpoint belongs to the docker engine',
    },
    {
      path: 'engine.tls',
      cel: "!has(self.engine.endpoint) || !self.engine.endpoint.startsWith('tcp://') || self.engine.endpoint.startsWith('tcp://127.0.0.1:') || self.engine.endpoint.startsWith('tcp://localhost:') || has(self.engine.tls)",
      holds: spec =>
        !spec.engine.endpoint?.startsWith('tcp://') ||
        /^tcp:\/\/(127\.0\.0\.1|localhost):/.test(spec.engine.endpoint) ||
        spec.engine.tls !== undefined,
      message: 'a tcp endpoint that is not loopback needs engine.tls: whoever reaches a Docker socket is root there',
    },
  ],
})
