import type { Column } from '../../crds/kind.ts'
import { kinds } from '../../crds/kinds.ts'
import type { ResourceView } from '../api/contract.ts'
import type { Format } from './context.ts'
import { valueAt } from './jsonpath.ts'
import { renderTable } from './table.ts'

const message: Column = { name: 'Message', path: ".status.conditions[?(@.type=='Ready')].message" }

/** Columns of a kind as its schema names them, MESSAGE last, whether the kind names it or not. */
export function columnsOf(kind: ResourceView['kind'], wide: boolean): Column[] {
  const columns = kinds[kind].columns.filter(column => (wide || !column.wide) && column.name !== message.name)
  return [...columns, message]
}

export type ListingOptions = { format: Format; withNamespace: boolean; kind: ResourceView['kind'] }

export function headerOf({ kind, format, withNamespace }: ListingOptions): string[] {
  const names = columnsOf(kind, format === 'wide').map(column => column.name.toUpperCase())
  return [...(withNamespace ? ['NAMESPACE'] : []), 'NAME', ...names]
}

export function rowOf(view: ResourceView, { format, withNamespace }: ListingOptions): string[] {
  const cells = columnsOf(view.kind, format === 'wide').map(column => cell(valueAt(view, column.path), column))
  return [...(withNamespace ? [view.metadata.namespace] : []), view.metadata.name, ...cells]
}

export function renderListing(views: ResourceView[], options: ListingOptions): string {
  return renderTable(
    headerOf(options),
    views.map(view => rowOf(view, options)),
  )
}

/** `feed/ctp-futures`, for pipes. */
export function nameOf(view: ResourceView): string {
  return `${view.kind.toLowerCase()}/${view.metadata.namespace}/${view.metadata.name}`
}

/** One resource as itself, several as a `List`; `isList` keeps the shape of a listing that happens to hold one. */
export function asDocument(views: ResourceView[], isList: boolean): unknown {
  return isList ? { apiVersion: 'v1', kind: 'List', items: views } : views[0]
}

function cell(value: unknown, column: Column): string {
  if (value === undefined || value === null) return '-'
  if (typeof value === 'number') return column.type === 'number' ? String(Math.floor(value * 1000) / 1000) : String(value)
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
