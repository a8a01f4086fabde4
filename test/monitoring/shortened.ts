import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse, stringify } from 'yaml'

const compose = resolve(import.meta.dirname, '../../compose')

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
