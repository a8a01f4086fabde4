import * as z from 'zod'
import { baseStatusSchema } from './contract/resource.ts'
import { defineKind } from './kind.ts'
import { relativePath } from './path.ts'

const envSource = z.strictObject({
  prefix: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*_$/, 'use capitals, digits and "_", ending with "_", such as CTP_PRIMARY_')
    .meta({
      description: "Prefix of the variables in the controller's environment, such as CTP_PRIMARY_.",
    }),
})

const fileSource = z.strictObject({
  path: relativePath('secrets').meta({
    description: "Folder below the controller's secrets directory, one file per key: BROKER_ID, USER_ID, PASSWORD, ...",
  }),
})

export const credentialsSpec = z.strictObject({
  account: z.enum(['ctp', 'nats']).default('ctp').meta({
    description:
      'ctp: BROKER_ID, USER_ID, PASSWORD and optionally APP_ID, AUTH_CODE, MD_ADDRESS, TD_ADDRESS; nats: TOKEN, or USER and PASSWORD.',
  }),
  env: envSource.optional().meta({ description: 'From environment variables of the controller.' }),
  file: fileSource.optional().meta({ description: 'From files.' }),
})

export type CredentialsSpec = z.infer<typeof credentialsSpec>

export const credentials = defineKind({
  kind: 'Credentials',
  plural: 'credentials',
  shortNames: ['cred'],
  description: "Where one account's secrets come from. Never the secrets themselves.",
  spec: credentialsSpec,
  status: baseStatusSchema.extend({
    source: z.string().optional().meta({ description: 'Provider in use.' }),
    keys: z.array(z.string()).optional().meta({ description: 'Names of the keys that were found; never values.' }),
  }),
  columns: [
    { name: 'Account', path: '.spec.account' },
    { name: 'Source', path: '.status.source' },
  ],
  rules: [
    {
      path: '',
      cel: '(has(self.env) ? 1 : 0) + (has(self.file) ? 1 : 0) == 1',
      holds: spec => Number(spec.env !== undefined) + Number(spec.file !== undefined) === 1,
      message: 'name exactly one source: env or file',
    },
  ],
})
