import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type KindName, kinds } from '../../../crds/kinds.ts'
import type { Context } from '../context.ts'

/** Events that an archive holds at most: what the controller answers with. */
const eventLimit = 1000

/**
 * Keeps what a session came to, in a folder of its own below `directory`: every resource with its status, the newest events, the controller's metrics, and
 * the stack's logs. Resolves to the folder. No secret is in any of them.
 */
export async function archive(context: Context, directory: string, name: string, logs: () => Promise<string>): Promise<string> {
  const { controller, signal } = context
  const folder = join(directory, name)
  await mkdir(folder, { recursive: true, mode: 0o750 })
  const resources = (await Promise.all((Object.keys(kinds) as KindName[]).map(kind => controller.resources({ kind })))).flat()
  const [events, source, metrics, text] = await Promise.all([
    controller.events({ limit: eventLimit }),
    controller.source(),
    fetch(`${controller.server}/metrics`, { signal }).then(answer => answer.text()),
    logs(),
  ])
  const files = {
    'resources.json': `${JSON.stringify(resources, undefined, 2)}\n`,
    'events.jsonl': events.map(event => `${JSON.stringify(event)}\n`).join(''),
    'source.json': `${JSON.stringify(source, undefined, 2)}\n`,
    'controller-metrics.txt': metrics,
    'stack.log': text,
  }
  for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content, { mode: 0o640 })
  return folder
}
