import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '../context.ts'
import { asDrill } from '../drillpage.ts'
import { type ExitCode, exitCodes } from '../exit.ts'
import { asFeed, healthOf } from '../health.ts'
import { asStack, stateOfStack } from '../stackpage.ts'
import { renderStatusPage, type StatusPage } from '../statuspage.ts'

/** Redraws of `--watch`: rates and countdowns move even where no resource changes. */
const refreshMs = 1_000

export type StatusOptions = { watch?: boolean; output?: 'json' | 'text' }

/** The page of a morning. Exit 1 where a feed or a stack is Stalled or NotReady, or a declaration is bad. */
export async function status(context: Context, options: StatusOptions): Promise<ExitCode> {
  const { terminal } = context
  if (options.watch) return watch(context, options)
  const page = await readPage(context)
  terminal.out(render(context, page, options))
  return isWell(page) ? exitCodes.ok : exitCodes.negative
}

async function readPage({ controller, terminal, namespace }: Context): Promise<StatusPage> {
  const [source, feeds, stacks, drills] = await Promise.all([
    controller.source(),
    controller.resources({ kind: 'Feed', namespace }),
    controller.resources({ kind: 'Stack', namespace }),
    controller.resources({ kind: 'FailoverDrill', namespace }),
  ])
  const seen = { source, feeds, stacks: stacks.map(asStack), drills: drills.map(asDrill) }
  return { server: controller.server, now: terminal.now(), ...seen }
}

function render({ terminal }: Context, page: StatusPage, options: StatusOptions): string {
  if (options.output !== 'json') return renderStatusPage(page, terminal.outColour)
  const feeds = page.feeds
    .map(asFeed)
    .map(feed => ({ key: `${feed.metadata.namespace}/${feed.metadata.name}`, ...healthOf(feed, page.now), status: feed.status }))
  const stacks = page.stacks.map(stack => ({
    key: `${stack.metadata.namespace}/${stack.metadata.name}`,
    state: stateOfStack(stack),
    status: stack.status,
  }))
  return `${JSON.stringify({ now: page.now, source: page.source, feeds, stacks })}\n`
}

function isWell({ source, feeds, stacks, now }: StatusPage): boolean {
  const found = [...feeds.map(asFeed).map(feed => healthOf(feed, now).state), ...stacks.map(stateOfStack)]
  const bad = found.some(state => state === 'Stalled' || state === 'NotReady')
  return !bad && source.problems.length === 0 && source.complete && source.held === undefined
}

// On a terminal the page is redrawn in place, elsewhere a page is written where it differs from the one before.
async function watch(context: Context, options: StatusOptions): Promise<ExitCode> {
  const { terminal, signal } = context
  for (let last = ''; ; ) {
    const text = await readPage(context).then(
      page => render(context, page, options),
      (error: Error) => {
        signal.throwIfAborted()
        return `! ${error.message}; what stood here before is stale\n`
      },
    )
    if (terminal.outInteractive) terminal.out(`\u001b[H\u001b[J${text}`)
    else if (text !== last) terminal.out(text)
    last = text
    await sleep(refreshMs, undefined, { signal })
  }
}
