import { cpSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import pino from 'pino'
import { asFault } from '../crds/contract/fault.ts'
import packageJson from '../package.json' with { type: 'json' }
import { type Controller, startController } from './controller.ts'
import { openTap } from './tour/ticks.ts'
import { takeTour } from './tour/tour.ts'
import { untilSettled } from './tour/watch.ts'

/**
 * `npm start`: a controller and the feed of `examples/quickstart`, on processes of this machine alone. Everything is kept below
 * `.feedplane/` in the checkout and is gone when it ends. `--tour` plays the story by itself on a copy of the manifests, prints one
 * JSON summary, and exits 0 only if each step held.
 */
const installationDirectory = resolve(import.meta.dirname, '..')
const example = join(installationDirectory, 'examples/quickstart')
const port = 9181
const started = Date.now()

const { values } = parseArgs({ options: { tour: { type: 'boolean', default: false } } })
const work = join(installationDirectory, '.feedplane', values.tour ? 'tour' : 'quickstart')
const manifests = values.tour ? join(work, 'manifests') : example
const say = (text: string) => process.stderr.write(`${text}\n`)

process.exitCode = await main()

async function main(): Promise<number> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(new Error(signal)))
  let controller: Controller | undefined
  try {
    mkdirSync(work, { recursive: true, mode: 0o700 })
    if (values.tour) cpSync(example, manifests, { recursive: true })
    controller = await start()
    return await (values.tour ? tour(controller.url, stop.signal) : show(controller.url, stop.signal))
  } catch (error) {
    if (stop.signal.aborted) return 130
    say(wordsFor(error))
    return 2
  } finally {
    if (stop.signal.aborted) say('\nstopping the feed and the controller')
    await controller?.stop({ feeds: 'stop' })
    if (controller) clearUp()
  }
}

function clearUp(): void {
  rmSync(work, { recursive: true, force: true })
  const parent = dirname(work)
  if (readdirSync(parent).length === 0) rmdirSync(parent)
}

function start(): Promise<Controller> {
  const log = pino({ name: 'controller' }, pino.destination({ dest: join(work, 'controller.log'), sync: true }))
  return startController({
    manifests,
    stateDirectory: work,
    dataDirectory: join(installationDirectory, 'examples/data'),
    secretsDirectory: join(example, 'secrets'),
    installationDirectory,
    dockerConfigFile: undefined,
    environment: {},
    listen: { host: '127.0.0.1', port: values.tour ? 0 : port },
    concurrency: 4,
    resyncMs: 2000,
    version: packageJson.version,
    log,
  })
}

async function show(url: string, signal: AbortSignal): Promise<number> {
  say('Feedplane: a controller, and one feed that plays recorded ticks (CZCE apples, CFFEX index futures)')
  const { state, why } = await untilSettled(url, 'quickstart/demo', {}, signal)
  say(`${state === 'done' ? '✓ Ready' : '✗ Not ready'} after ${((Date.now() - started) / 1000).toFixed(1)} s: ${why}`)
  const tap = openTap(url, 'quickstart/demo', signal)
  for (let shown = 0; shown < 3; shown++) {
    const { tick } = await tap.next(() => true, signal)
    say(`  tick ${tick.exchange}.${tick.instrument} last ${tick.last} volume ${tick.volume}, exchange time ${tick.exchangeTime}`)
  }
  say(`
What runs    controller ${url}, logging to ${join(work, 'controller.log')}
             feed quickstart/demo: a supervisor and two sessions, primary (publishing) and backup (warm)
Where        manifests in ${example}, metrics on ${url}/metrics

Try, in another terminal
  npm run -s feedctl -- status --watch
  npm run -s feedctl -- tail demo -n quickstart
  npm run -s feedctl -- failover demo -n quickstart --wait      # or edit active: in feed.yaml
  edit image: in feed.yaml to feedplane/feed:broken              # it rolls back by itself
  npm run -s feedctl -- describe feed demo -n quickstart

Ctrl-C ends all of it.`)
  await new Promise(done => signal.addEventListener('abort', done, { once: true }))
  return 0
}

async function tour(url: string, signal: AbortSignal): Promise<number> {
  const summary = await takeTour(url, manifests, started, say, signal)
  process.stdout.write(`${JSON.stringify(summary)}\n`)
  return summary.ok ? 0 : 1
}

function wordsFor(error: unknown): string {
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE')
    return `port ${port} is taken, perhaps by another \`npm start\`: stop that one first`
  return asFault(error).message
}
