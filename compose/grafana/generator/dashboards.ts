import { controller } from './controller.ts'
import { feed } from './feed.ts'
import { fleet } from './fleet.ts'
import { type Dashboard, modelOf } from './panel.ts'

export const dashboards: Dashboard[] = [fleet, feed, controller]

/** The provisioned files, by their names. */
export function dashboardFiles(): Map<string, string> {
  return new Map(dashboards.map(dashboard => [`${dashboard.uid}.json`, `${JSON.stringify(modelOf(dashboard), undefined, 2)}\n`]))
}
