import * as z from 'zod'

/** A span as specs write it (`250ms`, `120s`, `2m`, `1h`), with its default. */
export const duration = (fallback: string) =>
  z
    .string()
    .regex(/^[1-9]\d{0,5}(ms|s|m|h)$/, 'write a duration as a whole number and ms, s, m or h, such as 120s')
    .default(fallback)
