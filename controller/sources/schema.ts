import * as z from 'zod'
import type { MemberPath } from './problem.ts'

/** Field names that a schema knows at a place; empty where it is no object. */
export function membersAt(schema: z.ZodType, path: MemberPath): string[] {
  const target = unwrapped(schemaAt(schema, path))
  return target instanceof z.ZodObject ? Object.keys(target.shape) : []
}

/** What the schema says that the member is for, without its full stop: messages go on after it. Empty where it says nothing. */
export function descriptionAt(schema: z.ZodType, path: MemberPath): string {
  let target = schemaAt(schema, path)
  while (target !== undefined) {
    if (target.description !== undefined) return target.description.replace(/\.$/, '')
    target = innerOf(target)
  }
  return ''
}

/** What the schema itself has to say against a text at a place; undefined where it takes it, or has no words of its own. */
export function refusalAt(schema: z.ZodType, path: MemberPath, text: string): string | undefined {
  const [issue] = schemaAt(schema, path)?.safeParse(text).error?.issues ?? []
  return issue?.message.startsWith('Invalid') ? undefined : issue?.message
}

function schemaAt(schema: z.ZodType, path: MemberPath): z.ZodType | undefined {
  let current: z.ZodType | undefined = schema
  for (const step of path) current = current && memberSchema(unwrapped(current), step)
  return current
}

function memberSchema(schema: z.ZodType | undefined, step: string | number): z.ZodType | undefined {
  if (schema instanceof z.ZodObject) return typed(schema.shape[step])
  if (schema instanceof z.ZodArray) return typed(schema.element)
  return schema instanceof z.ZodRecord ? typed(schema.valueType) : undefined
}

/** Without `optional`, `default` and `prefault` around it. */
function unwrapped(schema: z.ZodType | undefined): z.ZodType | undefined {
  let current = schema
  for (let inner = current && innerOf(current); inner !== undefined; inner = innerOf(inner)) current = inner
  return current
}

function innerOf(schema: z.ZodType): z.ZodType | undefined {
  const isWrapper = schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
  return isWrapper ? typed(schema.unwrap()) : undefined
}

function typed(schema: unknown): z.ZodType | undefined {
  return schema instanceof z.ZodType ? schema : undefined
}
