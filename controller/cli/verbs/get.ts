import type { ResourceView } from '../../api/contract.ts'
import type { Context, Format } from '../context.ts'
import { renderDocument } from '../document.ts'
import { type ExitCode, exitCodes } from '../exit.ts'
import { asDocument, headerOf, type ListingOptions, nameOf, renderListing, rowOf } from '../listing.ts'
import { kindOf, resourceOf, splitName } from '../reference.ts'
import { renderTable } from '../table.ts'

export type GetOptions = { output: Format; watch?: boolean; allNamespaces?: boolean }

/** Lists resources of a kind, or shows one; with `--watch` goes on with what changes until Ctrl-C. */
export async function get(context: Context, kindWord: string, name: string | undefined, options: GetOptions): Promise<ExitCode> {
  const kind = kindOf(kindWord)
  const namespace = options.allNamespaces ? undefined : (context.namespace ?? 'default')
  const views =
    name === undefined ? await context.controller.resources({ kind, namespace }) : [await resourceOf(context, kind, name)]
  const listing: ListingOptions = { kind, format: options.output, withNamespace: options.allNamespaces === true }
  if (options.watch) return watch(context, listing, name === undefined ? namespace : undefined, name)
  if (views.length === 0 && namespace !== undefined)
    context.terminal.err(`nothing in namespace ${namespace}; -A shows all namespaces\n`)
  context.terminal.out(await render(views, listing, name === undefined))
  return exitCodes.ok
}

async function render(views: ResourceView[], listing: ListingOptions, isList: boolean): Promise<string> {
  const { format } = listing
  if (format === 'json' || format === 'yaml') return renderDocument(asDocument(views, isList), format)
  if (format === 'name') return views.map(view => `${nameOf(view)}\n`).join('')
  return views.length === 0 ? '' : renderListing(views, listing)
}

async function watch(
  context: Context,
  listing: ListingOptions,
  namespace: string | undefined,
  name: string | undefined,
): Promise<ExitCode> {
  const { terminal, controller, signal } = context
  const wanted = name === undefined ? undefined : splitName(name, context.namespace)
  const isWanted = (its: Pick<ResourceView['metadata'], 'namespace' | 'name'>) =>
    (namespace ?? wanted?.namespace ?? its.namespace) === its.namespace && (wanted?.name ?? its.name) === its.name
  let headed = false
  for await (const { event, data } of controller.watch({ kind: listing.kind }, signal)) {
    if (event === 'reconnecting') terminal.err(`lost the controller (${data}); trying again\n`)
    if (event === 'deleted') {
      const { key } = JSON.parse(data) as { key: string }
      const [itsNamespace = '', itsName = ''] = key.split('/')
      if (isWanted({ namespace: itsNamespace, name: itsName })) terminal.err(`deleted: ${key}\n`)
    }
    if (event !== 'resource') continue
    const view = JSON.parse(data) as ResourceView
    if (!isWanted(view.metadata)) continue
    terminal.out(await watchLine(view, listing, headed))
    headed = true
  }
  signal.throwIfAborted()
  return exitCodes.ok
}

async function watchLine(view: ResourceView, listing: ListingOptions, headed: boolean): Promise<string> {
  if (listing.format === 'json') return `${JSON.stringify(view)}\n`
  if (listing.format === 'yaml') return `---\n${await renderDocument(view, 'yaml')}`
  if (listing.format === 'name') return `${nameOf(view)}\n`
  const header = headerOf(listing)
  // Lines that come one by one are padded to the header, as nobody knows what comes later.
  const row = rowOf(view, listing).map((cell, i) => cell.padEnd(Math.max(header[i]?.length ?? 0, 10)))
  return headed ? renderTable([], [row]) : renderTable(header, [row])
}
