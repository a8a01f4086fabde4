import { type Command, Option } from 'commander'
import { output } from './output.ts'
import type { Act } from './program.ts'

/** The verbs of a trading day: they need no terminal, end in time, and leave metrics behind. */
export function addOperating(program: Command, act: Act): void {
  program
    .command('health [feed...]')
    .description('coverage, missing, stalled, rejected, lag: exit 0 ok, 1 warning, 2 error')
    .addOption(
      new Option('--mode <mode>', 'dry-run: look; enforce: have asked again, 3 times at most; audit: name every instrument')
        .choices(['dry-run', 'enforce', 'audit'])
        .default('dry-run'),
    )
    .option('--threshold <ratio>', 'share that must be acknowledged and pushed', '0.995')
    .option('--stalled-after <duration>', 'open session without a fresh tick of an instrument that counts as stalled', '10m')
    .option('--lag-warning <duration>', 'open session without any tick that is a warning', '120s')
    .option('--lag-critical <duration>', 'open session without any tick that is an error', '300s')
    .option('--backoff <duration>', 'with enforce: time to get well after the first try; it doubles', '10s')
    .option('--timeout <duration>', 'for all of it', '180s')
    .addOption(push())
    .addOption(output(['text', 'json', 'csv'], 'text'))
    .action((feeds, options, verb) =>
      act(verb, async context => (await import('./verbs/health.ts')).health(context, feeds, options)),
    )
}

/** The verbs before and around a session. */
export function addTradingDay(program: Command, act: Act): void {
  program
    .command('preflight [feed...]')
    .description('the pre-market checklist: exit 0 go, 1 no go')
    .option('--strict', 'a warning is no go too')
    .option('--timeout <duration>', 'for all of it', '60s')
    .addOption(push())
    .addOption(output(['text', 'json'], 'text'))
    .action((feeds, options, verb) =>
      act(verb, async context => (await import('./verbs/preflight.ts')).preflight(context, feeds, options)),
    )
}

/** The runbook of a trading day. `dataDirectory`: root of catalogues and recordings. */
export function addSession(program: Command, act: Act, dataDirectory: string): void {
  program
    .command('session <act> [feed...]')
    .description('start, restart or stop the stack and its feeds: a JSON line and an exit status for each stage')
    .addOption(new Option('--window <window>', 'which sessions').choices(['day', 'night']).makeOptionMandatory())
    .option('--stack-env <file>', 'variables of the stack; manifests/ENVIRONMENT/stack.env of FEEDPLANE_ENVIRONMENT')
    .option('--home <dir>', 'folder that has compose/ and manifests/ (FEEDPLANE_HOME)')
    .option('--timeout <duration>', 'for each stage that waits', '180s')
    .option('--strict', 'a warning of the checklist is no go too')
    .option('--force', 'with stop: although a session is on')
    .option('--archive <dir>', 'with stop: where the session is kept', 'archive')
    .addOption(new Option('--data <dir>', 'root of catalogues and recordings (FEEDPLANE_DATA)').default(dataDirectory))
    .addOption(push())
    .action((name, feeds, options, verb) =>
      act(verb, async context => (await import('./verbs/session.ts')).session(context, name, feeds, options)),
    )
}

/** The verb that tries a failover. */
export function addDrilling(program: Command, act: Act): void {
  program
    .command('drill [name]')
    .description('hold the drill of that name, or of that feed, now; without a name, list drills')
    .option('--history', 'what its last drills came to; holds none')
    .option('--wait', 'follow it to its end: exit 0 pass, 1 fail or aborted, 4 refused, 3 timeout')
    .option('--timeout <duration>', 'how long to follow', '180s')
    .addOption(output(['text', 'json'], 'text'))
    .action((name, options, verb) => act(verb, async context => (await import('./verbs/drill.ts')).drill(context, name, options)))
}

function push(): Option {
  return new Option('--push <url>', 'push metrics to this Pushgateway (FEEDPLANE_PUSHGATEWAY)')
}
