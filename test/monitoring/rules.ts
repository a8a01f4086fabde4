import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'

const folder = resolve(import.meta.dirname, '../../compose/prometheus')

/** An alert as a rule file has it. */
export type Alert = {
  alert: string
  expr: string
  for?: string
  labels: Record<string, string>
  annotations: Record<string, string>
}

type Rule = Alert | { record: string; expr: string }
type RuleFile = { groups: { name: string; rules: Rule[] }[] }

/** A look of promtool at an alert: its series where it fires, nothing where it does not. */
type Expectation = { expr: string; eval_time: string; exp_samples: { labels: string; value: number }[] }
type TestFile = { tests: { name: string; promql_expr_test: Expectation[] }[] }

/** The shipped files, by their names. */
export const ruleFiles = read('rules/*.yml')
export const testFiles = read('tests/*.yml')

export const rules: Rule[] = Object.values(ruleFiles)
  .map(text => parse(text) as RuleFile)
  .flatMap(({ groups }) => groups.flatMap(group => group.rules))

export const alerts: Alert[] = rules.filter(rule => 'alert' in rule)

/** What promtool expects of an alert: the labels with which it fires, and how often it must be silent. */
export function expectationsOf(alert: string): { firing: Record<string, string>[]; silent: number } {
  const looks = expectations.filter(({ expr }) => expr === `ALERTS{alertname="${alert}",alertstate="firing"}`)
  return {
    firing: looks.flatMap(({ exp_samples }) => exp_samples.map(({ labels }) => labelsOf(labels))),
    silent: looks.filter(({ exp_samples }) => exp_samples.length === 0).length,
  }
}

/** An annotation with these labels and this value in it; what a template does with a value is left out. */
export function rendered(annotation: string, labels: Record<string, string>, value = '1'): string {
  return annotation
    .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, name: string) => labels[name] ?? '')
    .replaceAll(/\{\{ \$value(?: \| \w+)? \}\}/g, value)
    .replaceAll(/\{\{ \$external\w+(?:\.\w+)? \}\}/g, '')
}

const expectations = Object.values(testFiles)
  .map(text => parse(text) as TestFile)
  .flatMap(({ tests }) => tests.flatMap(({ promql_expr_test }) => promql_expr_test))

function labelsOf(series: string): Record<string, string> {
  return Object.fromEntries([...series.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]))
}

function read(pattern: string): Record<string, string> {
  return Object.fromEntries(globSync(pattern, { cwd: folder }).map(file => [file, readFileSync(join(folder, file), 'utf8')]))
}
