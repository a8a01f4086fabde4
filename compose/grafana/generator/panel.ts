/** A panel of a dashboard, as far as ours differ. */
export type Panel = {
  title: string
  /** What an operator should make of it. */
  description: string
  type: 'timeseries' | 'status-history' | 'state-timeline' | 'stat'
  /** Grafana's name of a unit. */
  unit: 'short' | 'percentunit' | 's' | 'bytes' | 'ops' | 'dateTimeFromNow' | 'bool_on_off'
  /** Of 24 columns. */
  width: 6 | 8 | 12 | 24
  /** Each with the legend of its series, such as `{{namespace}}/{{feed}}`. */
  queries: { expr: string; legend: string }[]
  /** From which value on the colour changes; a value below the first is of the first colour. */
  colours?: { from: number; colour: 'green' | 'orange' | 'red' | 'blue' }[]
  /** Words in the place of values. */
  words?: Record<number, string>
}

/** A dashboard. `variables` are names of labels, chosen one after the other from the series of `md_ready`. */
export type Dashboard = { uid: string; title: string; description: string; variables: string[]; panels: Panel[] }

const datasource = { type: 'prometheus', uid: 'prometheus' }
const panelHeight = 8
const columns = 24

/** Grafana's model of a dashboard (schema 39, Grafana 10 and later), panels from left to right and from top to bottom. */
export function modelOf({ uid, title, description, variables, panels }: Dashboard): object {
  const places = placesOf(panels)
  return {
    ...{ uid, title, description, tags: ['feedplane'], schemaVersion: 39, version: 1, editable: false, graphTooltip: 1 },
    ...{ refresh: '10s', time: { from: 'now-3h', to: 'now' }, timezone: 'Asia/Shanghai' },
    templating: { list: variables.map((name, at) => variable(name, variables.slice(0, at))) },
    panels: panels.map((panel, at) => modelOfPanel(panel, at + 1, places[at])),
  }
}

/** The variables as matchers of a query, to stand within braces. */
export function matchers(variables: string[]): string {
  return variables.map(name => `${name}="$${name}"`).join(',')
}

function modelOfPanel(
  { title, description, type, unit, queries, colours, words }: Panel,
  id: number,
  gridPos: object | undefined,
) {
  const steps = colours?.map(({ from, colour }, at) => ({ value: at === 0 ? null : from, color: colour }))
  return {
    ...{ id, title, description, type, datasource, gridPos },
    targets: queries.map(({ expr, legend }, at) => ({
      ...{ refId: String.fromCharCode('A'.charCodeAt(0) + at), datasource, expr, legendFormat: legend },
      ...(type === 'stat' ? { instant: true } : { range: true }),
    })),
    fieldConfig: {
      defaults: {
        unit,
        ...(type === 'timeseries' && { min: 0, custom: { lineWidth: 1, fillOpacity: 10, showPoints: 'never' } }),
        ...(steps && { color: { mode: 'thresholds' }, thresholds: { mode: 'absolute', steps } }),
        ...(words && { mappings: [{ type: 'value', options: optionsOf(words) }] }),
      },
      overrides: [],
    },
    options: optionsByType[type],
  }
}

const optionsByType: Record<Panel['type'], object> = {
  timeseries: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
  'status-history': { showValue: 'never', rowHeight: 0.9, legend: { showLegend: false } },
  'state-timeline': { showValue: 'auto', rowHeight: 0.9, mergeValues: true, legend: { showLegend: false } },
  stat: { reduceOptions: { calcs: ['lastNotNull'] }, textMode: 'value_and_name', colorMode: 'background', graphMode: 'none' },
}

function optionsOf(words: Record<number, string>): object {
  return Object.fromEntries(Object.entries(words).map(([value, text], index) => [value, { text, index }]))
}

function variable(name: string, before: string[]): object {
  const definition = `label_values(md_ready{${matchers(before)}}, ${name})`
  return { name, type: 'query', datasource, definition, query: { query: definition, refId: name }, refresh: 2, sort: 1 }
}

function placesOf(panels: Panel[]): object[] {
  let x = 0
  let y = 0
  return panels.map(({ width }) => {
    if (x + width > columns) {
      x = 0
      y += panelHeight
    }
    const place = { x, y, w: width, h: panelHeight }
    x += width
    return place
  })
}
