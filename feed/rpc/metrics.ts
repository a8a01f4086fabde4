import { Counter, type Registry } from 'prom-client'
import type { Responder } from './responder.ts'

/** `md_rpc_requests_total`, by result; zero where the feed does not publish to NATS. */
export function addRpcMetric(registry: Registry, responder: Pick<Responder, 'counters'> | undefined): void {
  new Counter({
    name: 'md_rpc_requests_total',
    help: 'Requests over NATS, answered or refused.',
    labelNames: ['result'],
    registers: [registry],
    collect() {
      this.reset()
      const { answered, refused } = responder?.counters ?? { answered: 0, refused: 0 }
      this.inc({ result: 'answered' }, answered)
      this.inc({ result: 'refused' }, refused)
    },
  })
}
