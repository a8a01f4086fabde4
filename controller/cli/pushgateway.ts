import { causeOf } from './answer.ts'
import type { Context } from './context.ts'
import { ExitError, trouble } from './exit.ts'

/** A Pushgateway on the same network answers within milliseconds. */
const pushTimeoutMs = 5000

/** A metric to push. Names of the older service that end in `_total` and are no counters go as `untyped`, which lets them. */
export type PushedMetric = {
  name: string
  type: 'gauge' | 'untyped'
  help: string
  samples: { labels: Record<string, string>; value: number }[]
}

/**
 * Replaces a group of metrics on a Pushgateway. Throws trouble, with what it says, where it does not take them.
 */
export async function pushMetrics(
  gateway: string,
  group: Record<string, string>,
  metrics: PushedMetric[],
  signal: AbortSignal,
): Promise<void> {
  const url = URL.parse(gateway)
  if (url === null || url.username !== '')
    throw trouble('the address of the Pushgateway is none', 'write http://HOST:PORT, without a password in it')
  const path = Object.entries(group).map(([name, value]) => `/${name}@base64/${Buffer.from(value).toString('base64url')}`)
  const headers = { 'content-type': 'text/plain; version=0.0.4' }
  const target = `${url.origin}${url.pathname.replace(/\/+$/, '')}/metrics${path.join('')}`
  const limit = AbortSignal.any([signal, AbortSignal.timeout(pushTimeoutMs)])
  const answer = await fetch(target, { method: 'PUT', headers, body: exposition(metrics), signal: limit }).catch(
    (cause: unknown) => {
      signal.throwIfAborted()
      throw trouble(`the Pushgateway at ${url.host} does not answer (${causeOf(cause)})`, undefined, cause)
    },
  )
  if (!answer.ok) throw trouble(`the Pushgateway at ${url.host} refuses the metrics: ${answer.status} ${await answer.text()}`)
}

/**
 * Pushes to the gateway that the operator names, if any. Whether nobody misses the metrics: those that could not be pushed are a warning, for the
 * next alert would be about old ones.
 */
export async function pushed(
  { environment, terminal, signal }: Context,
  option: string | undefined,
  group: Record<string, string>,
  metrics: PushedMetric[],
): Promise<boolean> {
  const gateway = option ?? environment.FEEDPLANE_PUSHGATEWAY
  if (gateway === undefined || gateway === '') return true
  try {
    await pushMetrics(gateway, group, metrics, signal)
    return true
  } catch (error) {
    if (!(error instanceof ExitError)) throw error
    terminal.err(`${error.message}\n`)
    return false
  }
}

/** The text format of Prometheus, version 0.0.4. */
export function exposition(metrics: PushedMetric[]): string {
  return metrics
    .map(({ name, type, help, samples }) => {
      const lines = samples.map(({ labels, value }) => `${name}${labelsOf(labels)} ${value}\n`)
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`
    })
    .join('')
}

function labelsOf(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escaped)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const escaped = (character: string): string => (character === '\n' ? '\\n' : `\\${character}`)
