import type { Logger } from 'pino'
import type { KindName } from '../crds/kinds.ts'
import type { EngineCall } from './engines/counting.ts'
import type { Hub } from './hub.ts'
import { showDrill, showOverdue } from './kinds/failoverdrill/metrics.ts'
import type { Step } from './kinds/feed/decision.ts'
import { type StackStep, targetOf } from './kinds/stack/decision.ts'
import { showStack } from './kinds/stack/metrics.ts'
import { type ControllerMetrics, showCredentials, showFeed } from './metrics.ts'
import type { Result } from './runtime/result.ts'
import type { NewEvent } from './store/event.ts'
import type { Store } from './store/store.ts'

/** Where everything that happens is told: events to the store, numbers to the metrics, lines to the log, notices to watchers. */
export type Recorder = ReturnType<typeof openRecorder>

export function openRecorder(store: Store, metrics: ControllerMetrics, hub: Hub, log: Logger) {
  return {
    event(event: NewEvent): void {
      const { kind, key, type, reason, message } = event
      const added = store.events.add(event)
      metrics.events.inc({ kind, type, reason })
      log[type === 'Warning' ? 'warn' : 'info']({ kind, key, reason, detail: message }, 'event')
      hub.publish({ type: 'event', event: added })
    },
    /** A resource's status, or its declaration, is another one. */
    changed(kind: KindName, key: string): void {
      if (kind === 'Feed') showFeed(metrics, key, store.status.get('Feed', key))
      if (kind === 'FailoverDrill')
        showDrill(metrics.drills, key, store.declared.get('FailoverDrill', key), store.status.get('FailoverDrill', key))
      if (kind === 'Stack') showStack(metrics.stacks, key, store.status.get('Stack', key))
      hub.publish({ type: 'resource', kind, key })
    },
    /** Credentials, `namespace/name`, could not be read. */
    readFailed(key: string, reason: string): void {
      const [namespace = '', name = ''] = key.split('/')
      metrics.credentialsReadErrors.inc({ namespace, name, reason })
    },
    /** A write is about to be made. */
    step(feed: string, { action, reason, ...step }: Step): void {
      metrics.steps.inc({ action })
      log.info({ feed, action, reason, ...('container' in step && { container: step.container }) }, 'step')
    },
    stackStep(stack: string, step: StackStep): void {
      metrics.steps.inc({ action: step.action })
      log.info({ stack, action: step.action, reason: step.reason, target: targetOf(step) }, 'step')
    },
    engineCall(host: string, { name: call, kind: mode, failure }: Omit<EngineCall, 'name' | 'seconds'> & { name: string }): void {
      metrics.engineCalls.inc({ host, call, mode, result: failure ?? 'ok' })
    },
    push(feedKey: string, result: 'ok' | 'error'): void {
      const [namespace = '', feed = ''] = feedKey.split('/')
      metrics.feedWrites.inc({ namespace, feed, result })
    },
    reconciled(kind: KindName, key: string, result: Result, tookMs: number): void {
      metrics.reconciles.inc({ kind, result: result.type })
      metrics.reconcileSeconds.observe({ kind }, tookMs / 1000)
      // With each look, because a token's end moves without being another status.
      if (kind === 'Credentials') void showCredentials(metrics, key, store.status.get('Credentials', key))
      if (kind === 'FailoverDrill')
        showOverdue(metrics.drills, key, store.declared.get('FailoverDrill', key), store.drills.get(key))
      if (result.type === 'error')
        log.warn({ kind, key, reason: result.fault.reason, detail: result.fault.message }, 'reconcile failed')
    },
  }
}
