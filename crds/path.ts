import * as z from 'zod'

// No look-ahead: the Kubernetes API server compiles patterns with RE2, which has none. A part is anything but `..`.
const partOf = (excluded: string): string => `((\\.?[^/.${excluded}]|\\.\\.[^/${excluded}])[^/${excluded}]*|\\.)`

const relativePart = partOf('\\0')
const relativePattern = new RegExp(`^${relativePart}(/${relativePart}?)*$`)
const besidePattern = new RegExp(`^(\\.\\./)*${relativePart}(/${relativePart}?)*$`)

// Docker separates the halves of a bind with ":".
const absolutePattern = new RegExp(`^(/${partOf('\\0:')}?)+$`)

/** A path below a directory that the process was started with, named in the message: `a/b`, never `/a`, never `../a`. */
export const relativePath = (directory: string) =>
  z.string().min(1).regex(relativePattern, `use a path relative to the ${directory} directory, without ".."`)

/** `/a/b` on a host or in a container, without `..` and `:`. */
export const absolutePath = z.string().regex(absolutePattern, 'use an absolute path without ".." and ":"')

/** A path from the folder of the file that names it: `a/b` or `../../a/b`, never `/a`, and `..` at its beginning only. */
export const pathBeside = z
  .string()
  .min(1)
  .regex(besidePattern, 'use a path relative to the folder of this file, with ".." only at its beginning')
