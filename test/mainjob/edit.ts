import { readFileSync, renameSync, writeFileSync } from 'node:fs'

/** Replaces one text by another, as an editor does it: a new file in the place of the old one. Throws where it is not there. */
export function edit(file: string, from: string | RegExp, to: string): void {
  const text = readFileSync(file, 'utf8')
  const edited = text.replace(from, to)
  if (edited === text) throw new Error(`${file} does not hold ${from}, or holds ${to} already`)
  save(file, edited)
}

/** Puts a text in the place of a file, at once. */
export function save(file: string, text: string): void {
  writeFileSync(`${file}~`, text)
  renameSync(`${file}~`, file)
}
