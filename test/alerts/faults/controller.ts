import { randomBytes } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Injection } from '../../monitoring/injections.ts'

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
    fault: 'a service of a stack is declared whose health check fails',
    alerts: ['FeedplaneStackServiceDown'],
    inject: async ({ manifests }) => declareStack(manifests),
    mend: async ({ manifests }) => rmSync(join(manifests, 'stack.yaml')),
  },
]

/** Its container goes with its declaration. */
function declareStack(manifests: string): void {
  const project = `fp-test-${randomBytes(4).toString('hex')}`
  const unwell = {
    ...{ image: 'busybox:1.36', command: ['sleep', '1000'], init: true },
    healthcheck: { test: ['CMD', 'false'], interval: '1s', retries: 1 },
  }
  writeFileSync(join(manifests, 'stack.compose'), JSON.stringify({ services: { unwell } }))
  const metadata = (name: string) => `apiVersion: feedplane.dev/v1alpha1\nmetadata: {name: ${name}, namespace: quickstart}\n`
  const spec = `{hostRef: engine, project: ${project}, files: [stack.compose], deletionPolicy: Remove}`
  writeFileSync(
    join(manifests, 'stack.yaml'),
    `${metadata('engine')}kind: Host\nspec: {engine: {type: docker}}\n---\n${metadata('services')}kind: Stack\nspec: ${spec}\n`,
  )
}
