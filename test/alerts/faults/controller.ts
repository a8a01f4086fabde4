import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { edit } from '../../mainjob/edit.ts'
import { feedctl } from '../../mainjob/feedctl.ts'
import { busybox, declare, dockerHost, endless, remove, removeContainers, stack } from '../../monitoring/declarations.ts'
import type { Injection } from '../../monitoring/injections.ts'
import { key, type MonitoringStage } from '../../monitoring/stage.ts'
import { until } from '../../services/deadline.ts'

/** Of the controller, declarations, engines and stacks. */
export const controllerFaults: Injection[] = [
  {
    fault: 'the folder of declarations is moved away',
    alerts: ['FeedplaneSourceUnreadable'],
    inject: async ({ manifests }) => renameSync(manifests, `${manifests}~`),
    mend: async ({ manifests }) => renameSync(`${manifests}~`, manifests),
  },
  {
    fault: "the feed's process is stopped (SIGSTOP)",
    alerts: ['FeedplaneFeedDown'],
    inject: async ({ signalFeed }) => signalFeed('SIGSTOP'),
    mend: async ({ signalFeed }) => signalFeed('SIGCONT'),
  },
  {
    fault: 'the controller is killed (SIGKILL) three times',
    alerts: ['FeedplaneControllerRestarting'],
    async inject(stage) {
      for (let kills = 0; kills < 3; kills++) await restart(stage)
    },
    mend: async () => undefined,
  },
  {
    fault: 'the only worker of the controller waits for a job of a stack that does not end',
    alerts: ['FeedplaneControllerHung', 'FeedplaneStackServiceDown'],
    ...withoutAWorker(),
  },
  {
    fault: 'a profile is referred to that is not there',
    alerts: ['FeedplaneFeedStalled'],
    inject: async ({ feedFile }) => edit(feedFile, 'profileRef: recorded', 'profileRef: absent'),
    mend: async ({ feedFile }) => edit(feedFile, 'profileRef: absent', 'profileRef: recorded'),
  },
  {
    fault: 'a feed is moved to a host that gets no image, for its registry is away',
    alerts: ['FeedplaneReconcileStuck'],
    async inject({ manifests, feedFile }) {
      declare(manifests, 'hosts.yaml', [dockerHost])
      edit(feedFile, 'hostRef: local', 'hostRef: engine')
      edit(feedFile, 'image: feedplane/feed:1.0', 'image: 127.0.0.1:1/feedplane/feed:1.0')
    },
    async mend({ manifests, feedFile, controller }) {
      edit(feedFile, 'image: 127.0.0.1:1/feedplane/feed:1.0', 'image: feedplane/feed:1.0')
      edit(feedFile, 'hostRef: engine', 'hostRef: local')
      await controller.settled(key)
      remove(manifests, 'hosts.yaml')
    },
  },
  {
    fault: 'stacks are declared whose port is taken',
    alerts: ['FeedplaneReconcileErrors', 'FeedplaneEngineCallsFail'],
    async inject({ manifests, nats }) {
      const service = { ...endless, ports: [`127.0.0.1:${new URL(nats.url).port}:80`] }
      const stacks = ['one', 'two', 'three'].map(name => stack(name, { service }))
      declare(manifests, 'stacks.yaml', [dockerHost, ...stacks])
    },
    mend: async ({ manifests }) => remove(manifests, 'stacks.yaml'),
  },
  {
    fault: 'the containers of stacks are removed as soon as they are there',
    alerts: ['FeedplaneWritesDoNotEnd', 'FeedplaneStackServiceDown'],
    ...removed(),
  },
  {
    fault: 'the files of two of three feeds are gone at once',
    alerts: ['FeedplaneDeletionHeld'],
    async inject({ manifests, feedFile, controller }) {
      const others = ['second', 'third']
      for (const name of others) writeFileSync(join(manifests, `${name}.yaml`), stoppedFeed(feedFile, name))
      for (const name of others) await until(`${name} to be declared`, () => controller.view(`quickstart/${name}`))
      for (const name of others) rmSync(join(manifests, `${name}.yaml`))
    },
    async mend({ controller }) {
      const { digest } = JSON.parse((await feedctl(controller.url, 'approve', '--output', 'json')).out) as { digest: string }
      await feedctl(controller.url, 'approve', digest)
    },
  },
  {
    fault: 'a host is declared at whose endpoint no engine is',
    alerts: ['FeedplaneEngineUnreachable'],
    inject: async ({ manifests }) =>
      declare(manifests, 'hosts.yaml', [
        { ...dockerHost, spec: { engine: { type: 'docker', endpoint: 'unix:///run/absent.sock' } } },
      ]),
    mend: async ({ manifests }) => remove(manifests, 'hosts.yaml'),
  },
  {
    fault: 'a service of a stack is declared whose health check fails',
    alerts: ['FeedplaneStackServiceDown'],
    async inject({ manifests }) {
      const healthcheck = { test: ['CMD', 'false'], interval: '1s', retries: 1 }
      const unwell = { ...endless, healthcheck }
      declare(manifests, 'stacks.yaml', [dockerHost, stack('services', { unwell })])
    },
    mend: async ({ manifests }) => remove(manifests, 'stacks.yaml'),
  },
]

/** No series tells of it any more: its containers are gone too. */
const isGone = async ({ controller }: MonitoringStage, name: string): Promise<boolean> =>
  !(await controller.metrics()).includes(`name="${name}"`)

/** Returns when Prometheus has seen the new start. */
async function restart({ controller, prometheus }: MonitoringStage): Promise<void> {
  const startedAt = async () => (await prometheus.query('feedplane_process_start_time_seconds'))[0]?.value[1]
  const before = await until('a start to be seen', startedAt)
  await controller.kill()
  await controller.start()
  await until('the next start to be seen', async () => ![undefined, before].includes(await startedAt()))
}

/** Nothing of it runs. */
function stoppedFeed(feedFile: string, name: string): string {
  return readFileSync(feedFile, 'utf8').replace('name: demo', `name: ${name}`).concat('  state: Stopped\n')
}

/** The job ends, and the controller has its workers again. */
function withoutAWorker(): Pick<Injection, 'inject' | 'mend'> {
  const after = { ...busybox, depends_on: { endless: { condition: 'service_completed_successfully' } } }
  const jobs = stack('jobs', { endless, after }, { timeout: '1h' })
  const isEnded = async (stage: MonitoringStage) => {
    await removeContainers(`com.docker.compose.project=${jobs.project}`)
    return isGone(stage, 'jobs')
  }
  return {
    async inject({ controller, manifests }) {
      await controller.stop()
      await controller.start({ env: { FEEDPLANE_CONCURRENCY: '1' } })
      await controller.settled(key)
      declare(manifests, 'stacks.yaml', [dockerHost, jobs])
    },
    async mend(stage) {
      remove(stage.manifests, 'stacks.yaml')
      await until('the stack to be gone', () => isEnded(stage))
      await stage.controller.stop()
      await stage.controller.start()
    },
  }
}

/** As soon as they are there, until it is mended. */
function removed(): Pick<Injection, 'inject' | 'mend'> {
  const label = `feedplane.test=${randomBytes(4).toString('hex')}`
  const stacks = ['one', 'two', 'three', 'four'].map(name => stack(name, { endless: { ...endless, labels: [label] } }))
  let goesOn = false
  let removing: Promise<void> | undefined
  const removeAgain = async () => {
    while (goesOn) await until('a container to remove', () => removeContainers(label))
  }
  return {
    async inject({ manifests }) {
      declare(manifests, 'stacks.yaml', [dockerHost, ...stacks])
      goesOn = true
      removing = removeAgain()
    },
    async mend({ manifests }) {
      goesOn = false
      await removing
      remove(manifests, 'stacks.yaml')
    },
  }
}
