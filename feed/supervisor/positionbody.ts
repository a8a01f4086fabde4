import * as z from 'zod'
import { columnsFor, instrumentsOf, type Position } from '../session/position.ts'

/** A front has at most 20,000 instruments; a position of them has 1.5 MB of JSON. */
const maxLines = 100_000

const columns = ['sequence', 'time', 'volume', 'hash'] as const
const column = z.array(z.number())

/** Body of `GET` and `PUT /v1/position`: columns of equal length, as `Position` has them. */
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
  const { exact, at, sequence, time, volume, hash } = position
  const instruments = instrumentsOf(position)
  return { exact, at, instruments, sequence: [...sequence], time: [...time], volume: [...volume], hash: [...hash] }
}

export function positionIn({ exact, at, instruments, ...body }: PositionBody): Position {
  const position = columnsFor(instruments, exact, at)
  for (const name of columns) position[name].set(body[name])
  return position
}
