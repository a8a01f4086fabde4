import { parseArgs } from 'node:util'
import { buildImages } from './image.ts'

const usage = `usage: npm run images -- --tag TAG [--push REGISTRY] [--napi-ctp SPEC]

Builds feedplane/feed:TAG, feedplane/controller:TAG and feedplane/nats:TAG with Docker, and pushes them to REGISTRY/feedplane/... where given.
--napi-ctp puts the CTP binding into the feed's image: a package name with version, or the URL of a tarball.`

/** Prints a line for each image: reference, digest, size. 0 when all is built, 1 when docker failed, 2 for wrong arguments. */
async function main(): Promise<number> {
  const options = readOptions()
  if (options === undefined) return 2
  const interrupt = new AbortController()
  process.once('SIGINT', () => interrupt.abort())
  process.once('SIGTERM', () => interrupt.abort())
  try {
    const caFile = process.env.NODE_EXTRA_CA_CERTS || undefined
    const images = await buildImages({ ...options, caFile, signal: interrupt.signal })
    for (const { reference, digest, sizeBytes } of images)
      console.log(`${reference}  ${digest}  ${Math.round(sizeBytes / 1e6)} MB`)
    return 0
  } catch (error) {
    console.error(`images: ${error instanceof Error ? error.message : error}`)
    return 1
  }
}

function readOptions() {
  try {
    const option = { type: 'string' } as const
    const { values } = parseArgs({ options: { tag: option, push: option, 'napi-ctp': option } })
    if (values.tag === undefined) throw new Error('--tag is missing')
    return { tag: values.tag, push: values.push, napiCtp: values['napi-ctp'] }
  } catch (error) {
    console.error(`images: ${error instanceof Error ? error.message : error}\n\n${usage}`)
    return undefined
  }
}

process.exitCode = await main()
