import * as z from 'zod'

export const apiVersion = 'feedplane.dev/v1alpha1'

/** A DNS label (RFC 1123), 1 to 40 characters: names become parts of container and volume names. */
export const resourceName = z
  .string()
  .min(1)
  .max(40)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'use lower-case letters, digits and "-", beginning and ending with a letter or digit')

/** Key of a label or annotation as Kubernetes has it: `name` or `example.com/name`. */
const metadataKey = z
  .string()
  .regex(
    /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
    'use NAME or DOMAIN/NAME, with letters, digits, "-", "_" and "." in the name, at most 63',
  )

const labelValue = z
  .string()
  .regex(
    /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/,
    'use letters, digits, "-", "_" and ".", beginning and ending with a letter or digit, at most 63',
  )

export const metadataSchema = z.strictObject({
  name: resourceName.meta({ description: 'Name, unique per kind and namespace.' }),
  namespace: resourceName.default('default').meta({ description: 'Namespace; the environment, such as `production`.' }),
  labels: z.record(metadataKey, labelValue).optional().meta({ description: 'Labels for selection.' }),
  annotations: z
    .record(metadataKey, z.string())
    .optional()
    .meta({ description: 'Annotations; see the one-shot tokens of a Feed.' }),
})

export type Metadata = z.infer<typeof metadataSchema>

/** Kubernetes condition (kstatus polarity: `Reconciling` and `Stalled` exist only while true). Times are ISO 8601, UTC. */
export type Condition = {
  type: string
  status: 'True' | 'False' | 'Unknown'
  reason: string
  message: string
  lastTransitionTime: string
  observedGeneration: number
}

export const conditionSchema = z.strictObject({
  type: z.string().meta({ description: 'Name of the condition, such as Ready.' }),
  status: z.enum(['True', 'False', 'Unknown']).meta({ description: 'Whether it holds.' }),
  reason: z.string().meta({ description: 'Why, in one CamelCase word.' }),
  message: z.string().meta({ description: 'Why, in a sentence for an operator.' }),
  lastTransitionTime: z.string().meta({ description: 'When the status changed last (ISO 8601, UTC).' }),
  observedGeneration: z.int().meta({ description: 'Generation that the condition speaks of.' }),
})

/** What every status holds. */
export const baseStatusSchema = z.object({
  observedGeneration: z.int().optional().meta({ description: 'Generation that Ready or Stalled speaks of.' }),
  conditions: z
    .array(conditionSchema)
    .optional()
    .meta({
      description: 'Conditions, as kstatus has them.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
    }),
})

/** `namespace/name` of a resource. */
export function keyOf(metadata: { namespace: string; name: string }): string {
  return `${metadata.namespace}/${metadata.name}`
}
