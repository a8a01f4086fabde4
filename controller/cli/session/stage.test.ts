import { expect, it } from 'vitest'
import { runStages, type Stage, StageFailure, type StageRecord } from './stage.ts'

it('stages run in order, a JSON line each, and the first that fails ends them with its own code', async () => {
  const lines: string[] = []
  const ran: string[] = []
  const stage = (name: Stage['name'], failure?: StageFailure): Stage => ({
    name,
    async run() {
      ran.push(name)
      if (failure) throw failure
      return `${name} is done`
    },
  })
  const stages = [stage('environment'), stage('stack', new StageFailure('nats is unhealthy', 'see its log')), stage('feeds')]
  const terminal = { out: (text: string) => void lines.push(text), now: () => 0 }
  const records = await runStages(stages, { runbook: 'session-start', window: 'day' }, terminal)
  expect(ran).toEqual(['environment', 'stack'])
  expect(records).toMatchObject([
    { stage: 'environment', result: 'ok', code: 0, message: 'environment is done' },
    { stage: 'stack', result: 'failed', code: 11, message: 'nats is unhealthy', hint: 'see its log' },
  ])
  expect(lines.map(line => JSON.parse(line) as StageRecord)).toEqual(records)
  expect(lines.every(line => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true)
})
