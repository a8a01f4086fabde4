import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse, stringify } from 'yaml'

const compose = resolve(import.meta.dirname, '../../compose')

/** Where the services of the compose file are in a test: HOST:PORT. */
export type Places = { controller: string; alertmanager: string; pushgateway: string; prometheus: string }

type PrometheusConfig = { global: object; scrape_configs: { http_sd_configs?: object[] }[] }
type RuleFile = { groups: { rules: { expr: string; for?: string }[] }[] }

/** The shipped `prometheus.yml` for services in other places, with intervals of a second. */
export function shortenedPrometheus(places: Places): string {
  const text = readFileSync(join(compose, 'prometheus/prometheus.yml'), 'utf8')
    .replaceAll('controller:9181', places.controller)
    .replaceAll('alertmanager:9093', places.alertmanager)
    .replaceAll('pushgateway:9091', places.pushgateway)
    .replaceAll('localhost:9090', places.prometheus)
  const config = parse(text) as PrometheusConfig
  Object.assign(config.global, { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' })
  for (const discovery of config.scrape_configs.flatMap(({ http_sd_configs = [] }) => http_sd_configs))
    Object.assign(discovery, { refresh_interval: '1s' })
  return stringify(config)
}

/** Of any length that rules look back. */
const windowSeconds = 15

/**
 * A shipped rule file with every `for` a second, and every window and offset of more than that a quarter of a minute: thresholds, labels and
 * annotations are as shipped. The shipped windows are held by promtool's cases.
 */
export function shortenedRules(text: string): string {
  const file = parse(text) as RuleFile
  for (const rule of file.groups.flatMap(({ rules }) => rules)) {
    if (rule.for !== undefined) rule.for = '1s'
    rule.expr = rule.expr
      .replaceAll(/\[\d+[mhd]\]/g, `[${windowSeconds}s]`)
      .replaceAll(/offset \d+m/g, `offset ${windowSeconds}s`)
  }
  return stringify(file)
}

type Route = { group_wait?: string; group_interval?: string; routes?: Route[] }
type AlertmanagerConfig = { route: Route; receivers: { webhook_configs: { url_file: string }[] }[] }

/**
 * The shipped `alertmanager.yml`, with the file that holds the webhook's address, and with waits of a second: routes, grouping and
 * inhibition are as shipped.
 */
export function shortenedAlertmanager(urlFile: string): string {
  const config = parse(readFileSync(join(compose, 'alertmanager/alertmanager.yml'), 'utf8')) as AlertmanagerConfig
  const shorten = (route: Route): void => {
    Object.assign(route, { group_wait: '1s', group_interval: '1s' })
    route.routes?.forEach(shorten)
  }
  shorten(config.route)
  for (const { webhook_configs } of config.receivers) for (const webhook of webhook_configs) webhook.url_file = urlFile
  return stringify(config)
}
