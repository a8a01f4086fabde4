import * as z from 'zod'
import { accounts } from './desired.ts'

/**
 * Body of `POST /v1/logins/retry`: an act. Sessions that gave their login up (`isGivenUp`) try it once more, under the login limits. A token
 * is carried out once in the life of a feed process, so that a request that is sent again locks no account.
 */
export const loginRetrySchema = z.strictObject({ token: z.string().min(1).max(1000) })
export type LoginRetry = z.infer<typeof loginRetrySchema>

/** Answer: the accounts that try again; none where the token was carried out before. */
export const loginRetryAnswerSchema = z.object({ accounts: z.array(z.enum(accounts)) })
export type LoginRetryAnswer = z.infer<typeof loginRetryAnswerSchema>
