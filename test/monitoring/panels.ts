import { dashboards } from '../../compose/grafana/generator/dashboards.ts'
import { until } from '../services/deadline.ts'
import { declare, dockerHost, endless, remove, removeContainers, stack } from './declarations.ts'
import { key, type MonitoringStage } from './stage.ts'

const panelMs = 60_000
const shownSeries = 3

/** What a panel showed: how many series, and some of them with their values. */
export type Shown = { dashboard: string; panel: string; series: number; values: string }

/** Runs the queries of every panel as Grafana does, for the feed of the stage and a Stack beside it, until each has data. */
export async function lookAtPanels({ manifests, prometheus }: MonitoringStage): Promise<Shown[]> {
  const services = stack('services', { endless })
  declare(manifests, 'stacks.yaml', [dockerHost, services])
  try {
    return await lookAtAll(prometheus)
  } finally {
    remove(manifests, 'stacks.yaml')
    await until('the stack to be gone', async () => !(await removeContainers(`com.docker.compose.project=${services.project}`)))
  }
}

async function lookAtAll(prometheus: MonitoringStage['prometheus']): Promise<Shown[]> {
  const [namespace = '', feed = ''] = key.split('/')
  const shown: Shown[] = []
  for (const { title, panels } of dashboards)
    for (const { title: panel, queries } of panels) {
      const values: string[] = []
      for (const { expr, legend } of queries) {
        const query = expr.replaceAll('$namespace', namespace).replaceAll('$feed', feed)
        const samples = await until(`data of ${title}, ${panel}: ${query}`, () => dataOf(prometheus, query), panelMs)
        values.push(...samples.map(({ metric, value }) => `${legendOf(legend, metric)} ${short(Number(value[1]))}`))
      }
      shown.push({ dashboard: title, panel, series: values.length, values: values.slice(0, shownSeries).join(', ') })
    }
  return shown
}

async function dataOf(prometheus: MonitoringStage['prometheus'], query: string) {
  const samples = (await prometheus.query(query)).filter(({ value }) => !Number.isNaN(Number(value[1])))
  return samples.length > 0 && samples
}

const legendOf = (legend: string, labels: Record<string, string>): string =>
  legend.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => labels[name] ?? '')

const short = (value: number): string => String(Number(value.toPrecision(3)))
