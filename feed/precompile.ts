import { globSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { join, resolve } from 'node:path'

// Runs when the image is built, with NODE_COMPILE_CACHE set: loads what a feed is made of, so that Node keeps it compiled.
const root = resolve(import.meta.dirname, '..')
const folders = 'feed/{supervisor,session,gateways,publish,calendar,rpc}/**/*.ts'
const isPart = (file: string) => !/(main|testing|standin|\.test|\.conformance)\.ts$/.test(file)
for (const file of globSync(folders, { cwd: root }).filter(isPart)) await import(join(root, file))
flushCompileCache()
