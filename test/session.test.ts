// needs: docker, compose

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isLong } from './long.ts'
import { until } from './services/deadline.ts'
import { openSessionStage, recordsOf, type SessionStage } from './session/stage.ts'

// A trading day on a bare machine: the stack of compose/docker-compose.yml with the simulator's profile, one feed, the real Prometheus.
// Grafana, whose image cannot be had everywhere, is a profile of its own and left out. The tests tell one story, in order.

let stage: SessionStage
const session = (act: string, ...args: string[]) => stage.feedctl('session', act, '--window', 'day', ...args)
const stagesOf = (result: { out: string }) =>
  recordsOf(result).map(({ stage: name, result: how, code }) => `${name} ${how} ${code}`)

beforeAll(async () => {
  stage = await openSessionStage()
}, 300_000)

afterAll(() => stage?.stop(), 60_000)

type Target = { labels: { job: string }; health: string; lastError: string }

async function targets(): Promise<Target[]> {
  const answer = (await (await fetch(`${stage.prometheus}/api/v1/targets?state=active`)).json()) as {
    data: { activeTargets: Target[] }
  }
  return answer.data.activeTargets
}

describe('feedctl session', () => {
  it('start says what is missing before it touches anything, by the exit status of the stage', async () => {
    const result = await session('start', '--stack-env', 'nowhere.env')
    expect({ code: result.code, stages: stagesOf(result) }).toEqual({ code: 10, stages: ['environment failed 10'] })
    expect(recordsOf(result)[0]?.message).toContain('nowhere.env is not there')
    expect(await stage.running()).toEqual([])
  })

  it('start brings up the stack and the feed from nothing, ready by T-5', { timeout: 180_000 }, async () => {
    const result = await session('start')
    expect({ code: result.code, err: result.err, stages: stagesOf(result) }).toMatchObject({
      code: 0,
      stages: ['environment ok 0', 'stack ok 0', 'preflight ok 0', 'feeds ok 0', 'ready ok 0', 'checkpoint ok 0'],
    })
    console.log(result.out)
    expect(await stage.running()).toContain(`${stage.engine.project}-futures-r1`)
    const pushed = await (await fetch(`${stage.pushgateway}/metrics`)).text()
    expect(pushed).toMatch(/^md_t5_checkpoint_status\{.*window="day".*\} 1$/m)
    expect(pushed).toMatch(/^md_runbook_exit_code\{.*runbook="session-start",stage="ready".*\} 0$/m)
    expect(pushed).toMatch(/^feedplane_preflight_go\{.*feed="futures".*\} 1$/m)
  })

  it('start is followed by a Prometheus that scrapes every target', { timeout: 90_000 }, async () => {
    const jobs = ['alertmanager', 'feedplane-controller', 'feedplane-feeds', 'prometheus', 'pushgateway']
    const up = await until(
      'every target to be up',
      async () => {
        const found = await targets()
        return found.length >= jobs.length && found.every(({ health }) => health === 'up') && found
      },
      60_000,
    )
    expect(up.map(({ labels }) => labels.job).sort()).toEqual(jobs)
  })

  it('stop ends the feed in order, keeps the session and the volumes, and leaves nothing running', {
    timeout: 90_000,
  }, async () => {
    const result = await session('stop', '--archive', 'kept')
    expect({ code: result.code, err: result.err, stages: stagesOf(result) }).toMatchObject({
      code: 0,
      stages: ['environment ok 0', 'closed ok 0', 'feeds ok 0', 'archive ok 0', 'stack ok 0'],
    })
    console.log(result.out)
    expect(await stage.running()).toEqual([])
    expect(readFileSync(join(stage.manifests, 'feed.yaml'), 'utf8')).toContain('state: Stopped')
    const [folder = ''] = readdirSync(join(stage.directory, 'kept'))
    for (const file of ['resources.json', 'events.jsonl', 'stack.log', 'controller-metrics.txt'])
      expect(existsSync(join(stage.directory, 'kept', folder, file))).toBe(true)
    const volumes = (await stage.engine.docker('volume', 'ls', '--format', '{{.Name}}')).split('\n')
    for (const name of ['controller', 'nats', 'prometheus', 'alertmanager', 'pushgateway'])
      expect(volumes).toContain(`${stage.engine.project}_${name}`)
    const log = await stage.engine.docker('logs', `${stage.engine.project}-futures-r1`)
    expect(log).toContain('the feed has stopped')
  })

  // With FEEDPLANE_LONG=1: half a minute.
  if (isLong) {
    it('start resumes the feed that was stopped, in the container that it had; restart does both, and leaves the stack alone', {
      timeout: 180_000,
    }, async () => {
      expect(await session('start')).toMatchObject({ code: 0 })
      expect(readFileSync(join(stage.manifests, 'feed.yaml'), 'utf8')).toContain('state: Running')
      const container = `${stage.engine.project}-futures-r1`
      expect(await stage.running()).toContain(container)
      const startedAt = () => stage.engine.docker('inspect', '--format', '{{.State.StartedAt}}', container)
      const before = await startedAt()
      const result = await session('restart')
      expect({ code: result.code, stages: stagesOf(result) }).toEqual({
        code: 0,
        stages: ['environment ok 0', 'preflight ok 0', 'feeds ok 0', 'ready ok 0'],
      })
      expect(await startedAt()).not.toBe(before)
      expect(await stage.feedctl('--server', stage.controller, 'status')).toMatchObject({ code: 0 })
    })
  }
})
