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

const secretFile = (what: string) =>
  z.strictObject({
    file: relativePath('secrets').meta({ description: `File below the controller's secrets directory that holds ${what}.` }),
  })

/** As Vault's API has paths and mounts: no leading "/", no "." at the end, nothing that would have to be escaped in a URL. */
const vaultPath = z
  .string()
  .max(512)
  .regex(
    /^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_-])?(\/[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_-])?)*$/,
    'write names of letters, digits, "_", "-" and "." with "/" between them, such as feeds/ctp-primary',
  )

const appRole = z.strictObject({
  roleIdFile: relativePath('secrets').meta({ description: "File below the controller's secrets directory with the role id." }),
  secretIdFile: relativePath('secrets').meta({
    description: "File below the controller's secrets directory with the secret id.",
  }),
  mount: vaultPath.default('approle').meta({ description: 'Where the AppRole method is mounted, below auth/.' }),
})

const vaultAuth = z.strictObject({
  token: secretFile('a token')
    .optional()
    .meta({ description: 'A token that somebody else issues. It is renewed before it ends, where it can be.' }),
  appRole: appRole
    .optional()
    .meta({ description: 'AppRole: logs in, renews, and logs in again where the token cannot be renewed.' }),
})

const vaultSource = z.strictObject({
  address: z
    .string()
    .regex(
      /^(https:\/\/([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])|http:\/\/(127\.0\.0\.1|localhost|\[::1\]))(:\d{1,5})?$/,
      'write https://HOST:PORT, or http on loopback, without a user, a path or a "/" at the end',
    )
    .meta({ description: 'Address of Vault. http is for loopback only: a secret would be readable on the way.' }),
  mount: vaultPath.meta({ description: 'Where the KV secrets engine, version 2, is mounted.' }),
  path: vaultPath.meta({ description: 'Path of the secret below the mount. Its keys are BROKER_ID, USER_ID, PASSWORD, ...' }),
  version: z
    .int()
    .min(1)
    .optional()
    .meta({ description: 'This version of the secret, and no newer one. The newest by default.' }),
  auth: vaultAuth.meta({ description: 'How the controller logs in: token or appRole.' }),
  caFile: relativePath('secrets').optional().meta({
    description: "File below the controller's secrets directory with the private CA of Vault's certificate, PEM.",
  }),
  namespace: vaultPath.optional().meta({ description: 'Namespace, of Vault Enterprise.' }),
  refresh: z
    .string()
    .regex(/^[1-9]\d{0,4}(s|m|h)$/, 'write a duration as a whole number and s, m or h, such as 30s')
    .default('30s')
    .meta({ description: 'How often Vault is asked for a newer version.' }),
})

export type VaultSource = z.infer<typeof vaultSource>

export const credentialsSpec = z.strictObject({
  account: z.enum(['ctp', 'nats']).default('ctp').meta({
    description:
      'ctp: BROKER_ID, USER_ID, PASSWORD and optionally APP_ID, AUTH_CODE, MD_ADDRESS, TD_ADDRESS; nats: TOKEN, or USER and PASSWORD.',
  }),
  logins: z.int().min(1).max(64).default(1).meta({
    description:
      'How many logins at a time the account allows. From 2 on a feed can hand over without a lost tick; of an account that several feeds use, count what is left for one of them.',
  }),
  env: envSource.optional().meta({ description: 'From environment variables of the controller.' }),
  file: fileSource.optional().meta({ description: 'From files.' }),
  vault: vaultSource.optional().meta({ description: 'From the KV secrets engine, version 2, of a Vault.' }),
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
    version: z.int().optional().meta({ description: 'Version in use, of a secret in Vault.' }),
    contentDigest: z.string().optional().meta({
      description: 'Keyed digest of the content in use: another one means that it was rotated. It cannot be guessed from.',
    }),
    expiresAt: z.string().optional().meta({
      description: 'When the token ends with which Vault is asked (ISO 8601, UTC), where that is known and nothing prolongs it.',
    }),
    rotatedAt: z.string().optional().meta({ description: 'When the content was last seen to be another one (ISO 8601, UTC).' }),
  }),
  columns: [
    { name: 'Account', path: '.spec.account' },
    { name: 'Source', path: '.status.source' },
  ],
  rules: [
    {
      path: '',
      cel: '(has(self.env) ? 1 : 0) + (has(self.file) ? 1 : 0) + (has(self.vault) ? 1 : 0) == 1',
      holds: spec => [spec.env, spec.file, spec.vault].filter(source => source !== undefined).length === 1,
      message: 'name exactly one source: env, file or vault',
    },
    {
      path: 'vault.auth',
      cel: '!has(self.vault) || has(self.vault.auth.token) != has(self.vault.auth.appRole)',
      holds: ({ vault }) => vault === undefined || (vault.auth.token === undefined) !== (vault.auth.appRole === undefined),
      message: 'name exactly one way to log in: token or appRole',
    },
  ],
})
