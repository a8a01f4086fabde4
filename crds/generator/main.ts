import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Kind } from '../kind.ts'
import { kinds } from '../kinds.ts'
import { exampleFile, generatedFolders, outputs } from './output.ts'

const root = join(import.meta.dirname, '../..')
const all = Object.values(kinds) as unknown as Kind[]

const wanted = outputs(all, kind => readFileSync(join(root, exampleFile(kind)), 'utf8'))
const stale = [...wanted].filter(([path, text]) => read(path) !== text).map(([path]) => path)
const leftOver = generatedFolders.flatMap(filesOf).filter(path => !wanted.has(path))

process.exitCode = process.argv.includes('--check') ? check() : generate()

function check(): number {
  for (const path of stale) console.error(`${path}: differs from what crds/ generates`)
  for (const path of leftOver) console.error(`${path}: nothing generates this file any more`)
  if (stale.length + leftOver.length === 0) return 0
  console.error('run: npm run generate')
  return 1
}

function generate(): number {
  for (const path of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), wanted.get(path) ?? '')
    console.log(`wrote ${path}`)
  }
  for (const path of leftOver) {
    rmSync(join(root, path))
    console.log(`removed ${path}`)
  }
  return 0
}

function read(path: string): string | undefined {
  return existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined
}

function filesOf(folder: string): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder)).map(name => `${folder}/${name}`)
}
