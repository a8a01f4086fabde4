import { hostname, userInfo } from 'node:os'
import type { SourceView } from '../../api/contract.ts'
import type { Context } from '../context.ts'
import { renderSpan } from '../duration.ts'
import { type ExitCode, exitCodes } from '../exit.ts'

export type ApproveOptions = { by?: string; output?: 'json' | 'text' }

/**
 * Lets the feeds go whose deletion is held, where `digest` is that of what is held now (exit 4 otherwise). Without a digest it lists
 * them with theirs, and changes nothing: exit 2, or 0 where nothing is held.
 */
export async function approve(context: Context, digest: string | undefined, options: ApproveOptions): Promise<ExitCode> {
  if (digest === undefined) return show(context, await context.controller.source(), options)
  const { removed } = await context.controller.approve(digest, options.by ?? `${userName()}@${hostname()}`)
  context.terminal.out(options.output === 'json' ? `${JSON.stringify({ removed })}\n` : removed.map(id => `- ${id}\n`).join(''))
  return exitCodes.ok
}

/** A container may run as a number that no file gives a name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}

function show({ terminal }: Context, { held }: SourceView, options: ApproveOptions): ExitCode {
  if (options.output === 'json') terminal.out(`${JSON.stringify(held ?? null)}\n`)
  else if (held === undefined) terminal.out('nothing is held\n')
  else terminal.out(held.feeds.map(feed => `Feed ${feed}\n`).join(''))
  if (held === undefined) return exitCodes.ok
  terminal.err(
    `${held.feeds.length} feeds are no longer declared since ${renderSpan(terminal.now() - held.since)}, and run on. Bring the files back, or let them go: feedctl approve ${held.digest}\n`,
  )
  return exitCodes.trouble
}
