import * as z from 'zod'
import { columnsOf, namesIn, type Position, rowsOf } from '../session/position.ts'

/** A front has at most 20,000 instruments; a position of them has 1.5 MB of JSON. */
const maxLines = 100_000

const columns = ['sequence', 'time', 'volume', 'hash'] as const
const column = z.array(z.number())

/** Body of `GET` and `PUT /v1/position`: columns of equal length. */
export const positionBodySchema = z
  .strictObject({
    exact: z.boolean(),
    at: z.number(),
    instruments: z.array(z.string().regex(/^[^\n]+$/)).max(maxLines),
    sequence: column,
    time: column,
    volume: column,
    hash: column,
  })
  .refine(body => columns.every(name => body[name].length === body.instruments.length), 'all columns have one length')

export type PositionBody = z.infer<typeof positionBodySchema>

export function bodyOf(position: Position): PositionBody {
  const { exact, at, instruments } = position
  const { sequence, time, volume, hash } = columnsOf(position)
  return {
    exact,
    at,
    instruments: namesIn(instruments),
    sequence: [...sequence],
    time: [...time],
    volume: [...volume],
    hash: [...hash],
  }
}

export function positionIn({ exact, at, instruments, ...columns }: PositionBody): Position {
  return { exact, at, instruments: instruments.join('\n'), rows: rowsOf(columns) }
}
