// needs: promtool, alertmanager
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { usageErrorOf } from '../../controller/cli/program.ts'
import { accountsFaults } from '../alerts/faults/accounts.ts'
import { busFaults } from '../alerts/faults/bus.ts'
import { controllerFaults } from '../alerts/faults/controller.ts'
import { failoverFaults } from '../alerts/faults/failover.ts'
import { marketFaults } from '../alerts/faults/market.ts'
import { monitoringFaults } from '../alerts/faults/monitoring.ts'
import { representative } from './injections.ts'
import { alerts, expectationsOf, rendered, ruleFiles, rules, testFiles } from './rules.ts'

const root = resolve(import.meta.dirname, '../..')
const prometheus = join(root, 'compose/prometheus')
const severities = ['critical', 'warning', 'info']
const annotations = ['summary', 'description', 'remediation', 'runbook_url', 'dashboard_url']

/** What a tool says of files, empty where it is content. */
function complaints(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: prometheus, encoding: 'utf8' })
  return status === 0 ? '' : `${stdout}${stderr}` || `${command} ends with ${status}`
}

it('every alert is brought about by a fault of `npm run test:alerts`', () => {
  const faults = [representative, accountsFaults, busFaults, controllerFaults, failoverFaults, marketFaults, monitoringFaults]
  const broughtAbout = new Set(faults.flat().flatMap(({ alerts: names }) => names))
  expect(alerts.map(({ alert }) => alert).filter(name => !broughtAbout.has(name))).toEqual([])
})

describe('the configuration of Prometheus', () => {
  it('is what promtool wants', () => {
    expect(complaints('promtool', 'check', 'config', 'prometheus.yml')).toBe('')
    expect(complaints('promtool', 'check', 'rules', ...Object.keys(ruleFiles))).toBe('')
  })

  it('holds every rule to its cases', () => {
    expect(complaints('promtool', 'test', 'rules', ...Object.keys(testFiles))).toBe('')
  })
})

describe('an alert', () => {
  it('is the only one of its name', () => {
    const names = rules.map(rule => ('alert' in rule ? rule.alert : rule.record))
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
  })
})

describe.each(alerts)('$alert', alert => {
  const { firing, silent } = expectationsOf(alert.alert)
  const [labels = {}] = firing

  it('has a case in which it fires, and one in which it must not', () => {
    expect(alert.alert).toMatch(/^Feedplane([A-Z][a-z0-9]+)+$/)
    expect(firing.length).toBeGreaterThan(0)
    expect(silent).toBeGreaterThan(0)
  })

  it('tells what an operator needs, with labels that it has', () => {
    expect(severities).toContain(alert.labels.severity)
    expect(Object.keys(alert.annotations)).toEqual(annotations)
    const used = Object.values(alert.annotations).flatMap(text => [...text.matchAll(/\$labels\.(\w+)/g)].map(([, name]) => name))
    expect(used.filter(name => labels[name ?? ''] === undefined)).toEqual([])
  })

  it('has a page of its name', () => {
    expect(alert.annotations.runbook_url).toBe(`{{ $externalURL }}/user/docs/runbooks/${alert.alert}.md`)
    const page = join(root, `docs/runbooks/${alert.alert}.md`)
    expect(existsSync(page) && readFileSync(page, 'utf8').split('\n')[0]).toBe(`# ${alert.alert}`)
  })

  it('names a command that feedctl takes', async () => {
    const [command, ...args] = rendered(alert.annotations.remediation ?? '', labels).split(' ')
    expect(command).toBe('feedctl')
    expect(await usageErrorOf(args)).toBeUndefined()
  })
})
