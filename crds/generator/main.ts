import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Kind } from '../kind.ts'
import { kinds } from '../kinds.ts'
import { type Difference, differences, exampleFile, generatedFolders, outputs } from './output.ts'

const root = join(import.meta.dirname, '../..')
const wanted = outputs(Object.values(kinds) as unknown as Kind[], kind => read(exampleFile(kind)))
const found = differences(wanted, committedFiles())

if (process.argv.includes('--check')) check(found)
else for (const difference of found) bringUpToDate(difference)

function check(found: Difference[]): void {
  for (const { path, how } of found) console.error(`${path}: ${how}`)
  if (found.length > 0) console.error('generated files are not what crds/ generates: run npm run generate')
  process.exitCode = found.length > 0 ? 1 : 0
}

function bringUpToDate({ path, how }: Difference): void {
  const text = wanted.get(path)
  if (text === undefined) rmSync(join(root, path))
  else write(path, text)
  console.log(`${path}: ${how}, ${text === undefined ? 'removed' : 'written'}`)
}

function committedFiles(): Map<string, string> {
  const folders = generatedFolders.filter(folder => existsSync(join(root, folder)))
  const paths = folders.flatMap(folder => readdirSync(join(root, folder)).map(name => `${folder}/${name}`))
  return new Map(paths.map(path => [path, read(path)]))
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}
