import { Command, type CommanderError, Option } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { connect } from './client.ts'
import { type Context, formats } from './context.ts'
import { type ExitCode, ExitError, exitCodes } from './exit.ts'
import { addDrilling, addOperating, addSession, addTradingDay } from './operating.ts'
import { output } from './output.ts'
import { paint, type Terminal } from './terminal.ts'

export type Settings = {
  terminal: Terminal
  signal: AbortSignal
  newToken: () => string
  /** Defaults from the environment: FEEDPLANE_SERVER, FEEDPLANE_MANIFESTS, FEEDPLANE_NAMESPACE, FEEDPLANE_DATA. */
  defaults: { server: string | undefined; manifests: string | undefined; namespace: string | undefined; data: string }
  /** Where Credentials of type env are looked up by `validate`. */
  environment: Readonly<Record<string, string | undefined>>
  /** Working directory; files are named relative to it. */
  directory: string
}

/**
 * Runs one command line (without `node` and the script) and resolves to its exit code; never throws. Verbs are loaded when they
 * are called, so that `--help` loads nothing but commander.
 */
export async function run(args: string[], settings: Settings): Promise<ExitCode> {
  const state: { code: ExitCode } = { code: exitCodes.ok }
  try {
    const act: Act = (verb, action) => perform(verb, settings, action).then(code => void Object.assign(state, { code }))
    await programOf(settings, act).parseAsync(args, { from: 'user' })
    return state.code
  } catch (error) {
    if (settings.signal.aborted) return exitCodes.interrupted
    return isCommander(error) ? commanderCode(error) : complain(error, settings.terminal)
  }
}

/**
 * What is wrong with a command line; `undefined` where it names a verb and gives what that needs. Nothing is carried out: it is for command
 * lines that stand in rules and pages.
 */
export async function usageErrorOf(args: string[]): Promise<string | undefined> {
  const lines: string[] = []
  const terminal = { out: () => undefined, err: (text: string) => void lines.push(text) }
  const defaults = { server: undefined, manifests: undefined, namespace: undefined, data: '.' }
  try {
    await programOf({ terminal, defaults }, () => Promise.resolve()).parseAsync(args, { from: 'user' })
    return undefined
  } catch (error) {
    if (isCommander(error)) return commanderCode(error) === exitCodes.ok ? undefined : lines.join('')
    throw error
  }
}

type Run = (context: Context) => Promise<ExitCode>

type Surroundings = Pick<Settings, 'defaults'> & { terminal: Pick<Terminal, 'out' | 'err'> }

function programOf({ terminal, defaults }: Surroundings, act: Act): Command {
  const program = new Command('feedctl')
    .description('Looks at market-data feeds and edits what is declared about them.')
    .version(packageJson.version)
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .addOption(new Option('--server <url>', 'controller (FEEDPLANE_SERVER)').default(defaults.server ?? 'http://127.0.0.1:9181'))
    .addOption(
      new Option(
        '--manifests <dir>',
        'folder of the declared YAML, for edits without the controller (FEEDPLANE_MANIFESTS)',
      ).default(defaults.manifests),
    )
    .addOption(new Option('-n, --namespace <name>', 'namespace (FEEDPLANE_NAMESPACE)').default(defaults.namespace))
    .addHelpText(
      'after',
      '\nExit codes: 0 ok; 1 differences, invalid, not ready; 2 trouble; 3 timeout; 4 refused; 130 Ctrl-C.\nA FEED is NAME or NAMESPACE/NAME.',
    )
  addLooking(program, act, defaults.data)
  addEditing(program, act)
  addApproval(program, act)
  addOperating(program, act)
  addTradingDay(program, act)
  addSession(program, act, defaults.data)
  addDrilling(program, act)
  return program
}

/** Runs a verb, which is loaded only then. */
export type Act = (verb: Command, action: Run) => Promise<void>

async function perform(verb: Command, settings: Settings, action: Run): Promise<ExitCode> {
  const { server, manifests, namespace } = verb.optsWithGlobals<{ server: string; manifests?: string; namespace?: string }>()
  if (!URL.canParse(server))
    throw new ExitError(exitCodes.trouble, `--server ${server} is no URL`, { hint: 'write http://HOST:PORT' })
  return action({ ...settings, controller: connect(server, settings.signal), manifests, namespace })
}

function addLooking(program: Command, act: Act, dataDirectory: string): void {
  program
    .command('validate <path...>')
    .description('check manifests, offline')
    .addOption(output(['text', 'json', 'junit'], 'text'))
    .option('--strict', 'exit 1 for warnings too')
    .addOption(new Option('--data <dir>', 'root of catalogues and recordings (FEEDPLANE_DATA)').default(dataDirectory))
    .action((paths, options, verb) =>
      act(verb, async context => (await import('./verbs/validate.ts')).validate(context, paths, options)),
    )
  program
    .command('diff [path...]')
    .description('what the controller would do: for these manifests, or for what is declared; with FEED@N FEED@M two revisions')
    .addOption(output(['text', 'json'], 'text'))
    .action((paths, options, verb) => act(verb, async context => (await import('./verbs/diff.ts')).diff(context, paths, options)))
  program
    .command('get <kind> [name]')
    .description('list resources')
    .addOption(output(formats, 'table'))
    .option('-w, --watch', 'go on with what changes')
    .option('-A, --all-namespaces', 'of all namespaces')
    .action((kind, name, options, verb) =>
      act(verb, async context => (await import('./verbs/get.ts')).get(context, kind, name, options)),
    )
  program
    .command('describe <kind> <name>')
    .description('everything about one resource')
    .action((kind, name, _, verb) =>
      act(verb, async context => (await import('./verbs/describe.ts')).describe(context, kind, name)),
    )
  program
    .command('status')
    .description('a line for each feed, worst first')
    .addOption(output(['text', 'json'], 'text'))
    .option('-w, --watch', 'keep it up to date')
    .action((options, verb) => act(verb, async context => (await import('./verbs/status.ts')).status(context, options)))
  program
    .command('events [feed]')
    .description('what happened, oldest first')
    .addOption(output(['table', 'json'], 'table'))
    .option('--limit <n>', 'at most so many', '50')
    .option('-w, --watch', 'go on with new ones')
    .action((feed, options, verb) =>
      act(verb, async context => (await import('./verbs/events.ts')).events(context, feed, options)),
    )
  program
    .command('history <feed>')
    .description('revisions, newest first')
    .addOption(output(['table', 'json'], 'table'))
    .action((feed, options, verb) =>
      act(verb, async context => (await import('./verbs/history.ts')).history(context, feed, options)),
    )
  program
    .command('tail <feed>')
    .description('ticks as they are published, with gaps and duplicates')
    .option('--instrument <id>', 'only this instrument, such as CZCE.AP010')
    .option('--limit <n>', 'end after so many ticks')
    .addOption(output(['table', 'json'], 'table'))
    .action((feed, options, verb) => act(verb, async context => (await import('./verbs/tail.ts')).tail(context, feed, options)))
  addSubscriptions(program, act)
  program
    .command('calendar <feed>')
    .description('the next sessions, nights and holidays of a feed')
    .option('--days <n>', 'from today on, at most 60', '5')
    .option('--at <time>', 'as of this moment, in Asia/Shanghai: "2026-11-24 08:55"')
    .addOption(output(['text', 'json'], 'text'))
    .action((feed, options, verb) =>
      act(verb, async context => (await import('./verbs/calendar.ts')).calendar(context, feed, options)),
    )
  program
    .command('simulate <verb> [value]')
    .description('order faults of a simulator, or look at its state: `simulate stall --group CZCE --for 90s`')
    .option('--control <url>', 'control port of the simulator', 'http://127.0.0.1:7201')
    .option('--all', 'of everything')
    .option('--user <name>', 'only sessions of this user')
    .option('--group <group>', 'only EXCHANGE or EXCHANGE.PRODUCT')
    .option('--instrument <id>', 'only this instrument')
    .option('--for <duration>', 'ends by itself after this time')
    .option('--share <0..1>', 'share of the pushes or acknowledgements')
    .option('--behind', 'with skew: the clock goes behind')
    .addOption(output(['text', 'json'], 'text'))
    .action((verb, value, options, command) =>
      act(command, async context => (await import('./verbs/simulate.ts')).simulate(context, verb, value, options)),
    )
  program
    .command('explain <kind.path>')
    .description('what a member of a kind is: `explain feed.credentials.active`')
    .action((path, _, verb) => act(verb, async context => (await import('./verbs/explain.ts')).explain(context, path)))
}

function addSubscriptions(program: Command, act: Act): void {
  const list = (text: string, before: string[] = []) => [...before, text]
  program
    .command('subscriptions <feed>')
    .description('what has become of the subscriptions: acknowledged, ticking, silent, rejected, quarantined')
    .option('--include <patterns>', 'only these instruments: "CZCE.AP*,rb26??"', list)
    .option('--exclude <patterns>', 'not these', list)
    .option('--state <states>', 'list these states; with --retry, ask for these again', list)
    .addOption(new Option('--account <account>', 'only this account').choices(['primary', 'backup']))
    .option('--silent-after <duration>', 'open session without a fresh tick that counts as silence', '10m')
    .option('--threshold <ratio>', 'share that must be acknowledged and pushed, or exit 1', '0.995')
    .option('--limit <n>', 'instruments that a table lists', '50')
    .option('--retry', 'have the front asked again for what is refused, unknown or silent')
    .option('--dry-run', 'say what a retry would ask for, and edit nothing')
    .option('--batch <n>', 'with --retry: instruments a request')
    .option('--rate <n>', 'with --retry: requests a second')
    .option('--retries <n>', 'with --retry: tries after the first')
    .option('--wait', 'with --retry: until enough came')
    .option('--timeout <duration>', 'with --wait: how long', '180s')
    .addOption(output(['table', 'json', 'csv'], 'table'))
    .action((feed, options, verb) =>
      act(verb, async context => (await import('./verbs/subscriptions.ts')).subscriptions(context, feed, options)),
    )
}

function addEditing(program: Command, act: Act): void {
  waiting(program.command('failover <feed>'), true)
    .description('make the other account active')
    .addOption(new Option('--to <account>', 'this account').choices(['primary', 'backup']))
    .action((feed, options, verb) =>
      act(verb, async context => (await import('./verbs/failover.ts')).failover(context, feed, options)),
    )
  waiting(program.command('failback <feed>'), true)
    .description('make the primary account active again, ending an override by the watchdog')
    .action((feed, options, verb) =>
      act(verb, async context => (await import('./verbs/failback.ts')).failback(context, feed, options)),
    )
  waiting(program.command('rollback <feed>'), true)
    .description('run an earlier revision exactly as it was')
    .option('--to <revision>', 'this revision; without it the revisions are listed')
    .addOption(new Option('--release', 'go back to the declared inputs').conflicts('to'))
    .action((feed, options, verb) =>
      act(verb, async context => (await import('./verbs/rollback.ts')).rollback(context, feed, options)),
    )
  waiting(program.command('retry <feed>'), true)
    .description('try a failed revision once more')
    .action((feed, options, verb) => act(verb, async context => (await import('./verbs/retry.ts')).retry(context, feed, options)))
  waiting(program.command('suspend <feed>'), true)
    .description('stop reconciling; the feed goes on')
    .action((feed, options, verb) =>
      act(verb, async context => (await import('./verbs/suspend.ts')).suspend(context, feed, options)),
    )
  waiting(program.command('resume <feed>'), true)
    .description('reconcile again')
    .action((feed, options, verb) =>
      act(verb, async context => (await import('./verbs/resume.ts')).resume(context, feed, options)),
    )
  waiting(program.command('stop <feed>'), true)
    .description('declare the feed Stopped: it unsubscribes and ends in order')
    .action((feed, options, verb) => act(verb, async context => (await import('./verbs/stop.ts')).stop(context, feed, options)))
  waiting(program.command('start <feed>'), true)
    .description('declare the feed Running again')
    .action((feed, options, verb) => act(verb, async context => (await import('./verbs/start.ts')).start(context, feed, options)))
  waiting(program.command('rollout <feed>'), false)
    .description('follow what is under way to its end')
    .action((feed, options, verb) =>
      act(verb, async context => (await import('./verbs/rollout.ts')).rollout(context, feed, options)),
    )
}

function addApproval(program: Command, act: Act): void {
  program
    .command('approve [digest]')
    .description('let the feeds go whose deletion is held; without a digest, show them')
    .option('--by <name>', 'who approves, for the record; USER@HOST where left out')
    .addOption(output(['text', 'json'], 'text'))
    .action((digest, options, verb) =>
      act(verb, async context => (await import('./verbs/approve.ts')).approve(context, digest, options)),
    )
}

function waiting(verb: Command, optional: boolean): Command {
  const timed = verb.option('--timeout <duration>', 'how long to follow', '180s').addOption(output(['text', 'json'], 'text'))
  return optional ? timed.option('--wait', 'follow the convergence to its end') : timed
}

function isCommander(error: unknown): error is CommanderError {
  return error instanceof Error && 'exitCode' in error && 'code' in error && String(error.code).startsWith('commander.')
}

function commanderCode({ exitCode }: CommanderError): ExitCode {
  return exitCode === 0 ? exitCodes.ok : exitCodes.trouble
}

function complain(error: unknown, { err, errColour }: Terminal): ExitCode {
  const known = error instanceof ExitError ? error : undefined
  const message = error instanceof Error ? error.message : String(error)
  err(`${paint('✗ feedctl:', 'bad', errColour)} ${message}\n`)
  if (known?.hint !== undefined) err(`  ${known.hint}\n`)
  return known?.code ?? exitCodes.trouble
}
