import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildImages } from '../../compose/image.ts'
import { temporaryDirectory } from '../services/directory.ts'
import { type Docker, startDocker } from '../services/docker.ts'

const buildMs = 240_000

/** What the rows of a file share: a corner of the real engine, and images in it. */
export type Ground = {
  engine: Docker
  images: Images
  /** A namespace that is in nobody's way: each row has its own. */
  namespace(): string
  stop(): Promise<void>
}

/** The feed's image, and small ones made from it. `other` is as good as `base`. */
export type Images = { base: string; other: string; crashing: string; unhealthy: string; deaf: string }

export async function openGround(): Promise<Ground> {
  const [engine, temporary] = await Promise.all([startDocker(), temporaryDirectory('ground')])
  const stop = async () => {
    await engine.stop()
    await temporary.remove()
  }
  try {
    await engine.ensureImage('busybox:1.36')
    const images = await makeImages(engine, temporary.path)
    let rows = 0
    return { engine, images, namespace: () => `${engine.project}-${++rows}`, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function makeImages(engine: Docker, folder: string): Promise<Images> {
  const caFile = process.env.NODE_EXTRA_CA_CERTS || undefined
  await buildImages({ tag: engine.project, caFile, signal: AbortSignal.timeout(buildMs) })
  const base = `feedplane/feed:${engine.project}`
  const derived = async (name: string, text: string) => {
    const reference = `${base}-${name}`
    await buildImage(engine, join(folder, name), reference, `FROM ${base}\n${text}`)
    return reference
  }
  const [other, crashing, unhealthy, deaf] = await Promise.all([
    derived('other', 'ENV FEEDPLANE_VARIANT=other\n'),
    derived('crashing', 'ENTRYPOINT ["sh", "-c", "exit 1"]\n'),
    derived('unhealthy', 'HEALTHCHECK --interval=1s --retries=1 CMD ["false"]\nENTRYPOINT ["sleep", "600"]\n'),
    derived('deaf', `ENTRYPOINT ["sh", "-c", "trap '' TERM; node feed/main.ts & wait"]\n`),
  ])
  return { base, other, crashing, unhealthy, deaf }
}

/** Builds an image from the text of a Dockerfile, in a folder of its own. */
export async function buildImage(engine: Docker, context: string, reference: string, text: string): Promise<void> {
  await mkdir(context, { recursive: true })
  await writeFile(join(context, 'Dockerfile'), text)
  await engine.docker('build', '--quiet', '--label', engine.label, '--tag', reference, context)
}
