import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatProblem, type Validation, validatePaths } from './validation.ts'

const folder = resolve('examples/invalid')
const files = readdirSync(folder).filter(name => name.endsWith('.yaml'))

/** A machine that has the secrets of the base set, so that only what the file gets wrong is left. */
const env = Object.fromEntries(
  ['CTP_PRIMARY_', 'CTP_BACKUP_'].flatMap(prefix => ['BROKER_ID', 'USER_ID', 'PASSWORD'].map(key => [prefix + key, 'x'])),
)
const options = { dataDirectory: resolve('examples/data'), env: { ...env, NATS_TOKEN: 'x' }, relativeTo: folder }

/** The reason that files are refused with. */
const reasons = new Map(
  [
    ['SyntaxError', 'syntax-colon-in-text syntax-indentation syntax-tag syntax-template'],
    ['SyntaxError', 'syntax-unclosed-list syntax-unclosed-quote'],
    ['DuplicateKey', 'syntax-duplicate-key'],
    ['TabIndent', 'syntax-tab'],
    ['UnknownAnchor', 'syntax-unknown-anchor'],
    ['TooManyValues', 'syntax-alias-of-itself'],
    ['EmptyFile', 'syntax-only-comments'],
    ['UnknownApiVersion', 'schema-wrong-version'],
    ['UnknownKind', 'schema-unknown-kind'],
    ['UnknownField', 'schema-field-mistyped schema-status-written'],
    ['MissingField', 'schema-no-kind schema-no-name schema-no-spec schema-reference-missing schema-value-empty'],
    ['WrongType', 'schema-boolean-in-quotes schema-list-expected schema-number-for-name'],
    ['WrongFormat', 'schema-drill-schedule schema-duration schema-front-address schema-front-port'],
    ['WrongFormat', 'schema-instrument-without-exchange schema-item-of-list schema-memory schema-name-in-capitals'],
    ['WrongFormat', 'schema-image-without-name schema-path-outside schema-server-with-password'],
    ['WrongFormat', 'schema-stack-path schema-through-alias schema-vault-address-plain'],
    ['WrongFormat', 'schema-vault-address-with-token schema-vault-file-outside schema-vault-path-outside'],
    ['WrongKey', 'schema-environment-name'],
    ['UnknownValue', 'schema-account-unknown schema-exchange-unknown'],
    ['OutOfRange', 'schema-empty-list schema-logins-none schema-name-too-long schema-out-of-range schema-rate-above-limit'],
    ['RuleBroken', 'schema-backup-not-declared schema-process-host-without-images schema-publish-without-server'],
    ['RuleBroken', 'schema-remote-engine-without-tls schema-replay-without-files schema-same-account-twice'],
    ['RuleBroken', 'schema-set-without-instruments schema-two-sources schema-vault-two-logins'],
    ['ForbiddenSetting', 'forbidden-cap-add forbidden-cap-add-compose forbidden-devices forbidden-ipc forbidden-network-mode'],
    ['ForbiddenSetting', 'forbidden-network-mode-compose forbidden-pid forbidden-ports forbidden-privileged'],
    ['ForbiddenSetting', 'forbidden-security-context forbidden-user forbidden-volumes'],
    ['ForbiddenBind', 'forbidden-docker-socket'],
    ['SecretInEnvironment', 'forbidden-secret-in-environment'],
    ['DuplicateName', 'duplicate-name duplicate-name-in-one-file'],
    ['DanglingReference', 'reference-backup reference-bus-credentials reference-drill-feed reference-host'],
    ['DanglingReference', 'reference-other-namespace reference-primary reference-profile-mistyped'],
    ['DanglingReference', 'reference-stack-host reference-subscriptions'],
    ['ScheduleImpossible', 'consistency-drill-schedule'],
    ['TimeZoneUnknown', 'consistency-drill-time-zone'],
    ['DrillWithoutStandby', 'consistency-drill-without-standby'],
    ['StackNeedsDocker', 'consistency-stack-process-host'],
    ['ProjectShared', 'consistency-stack-project consistency-stack-two-hosts'],
    ['ProjectTaken', 'consistency-stack-project-taken'],
    ['WrongAccountType', 'consistency-bus-account-for-feed consistency-ctp-account-for-bus'],
    ['LoginsTooFew', 'consistency-handover-with-one-login'],
    ['PartialAccount', 'consistency-partial-backup-account'],
    ['ContainerNameClash', 'consistency-container-name'],
    ['ImageNotInStore', 'consistency-image-not-in-store'],
    ['BindOutsideRoots', 'consistency-bind-outside-roots'],
    ['UnknownInstrument', 'consistency-instrument-unknown'],
    ['NothingSelected', 'consistency-selector-empty'],
    ['EmptySet', 'consistency-all-excluded'],
    ['CatalogueNotFound', 'consistency-catalogue-not-there'],
  ].flatMap(([reason = '', names = '']) => names.split(' ').map(name => [`${name}.yaml`, reason])),
)

/** What a file's first two lines say: `# expect: CATEGORY` and `# error: LINE:COLUMN PATH PART-OF-THE-MESSAGE`. */
function expectationOf(name: string) {
  const text = readFileSync(`${folder}/${name}`, 'utf8')
  const match = /^# expect: (?<category>[a-z]+)\n# error: (?<line>\d+):(?<column>\d+) (?<path>\S+) (?<part>.+)\n/.exec(text)
  if (match?.groups === undefined) throw new Error(`${name}: the first two lines do not say what to expect`)
  const { category, line, column, path, part } = match.groups
  return {
    category,
    line: Number(line),
    column: Number(column),
    path: path === '-' ? '' : path,
    message: expect.stringContaining(part ?? ''),
  }
}

function validate(...names: string[]): Promise<Validation> {
  return validatePaths([`${folder}/base`, ...names.map(name => `${folder}/${name}`)], options)
}

describe('the corpus of invalid manifests', () => {
  it('has a base that is right by itself', async () => {
    const { problems, warnings, objects } = await validate()
    expect([...problems, ...warnings].map(formatProblem)).toEqual([])
    expect(objects.size).toBe(13)
  })

  it('represents everything that an operator gets wrong', () => {
    const categories = new Set(files.map(name => expectationOf(name).category))
    expect([...categories].sort()).toEqual(['consistency', 'duplicate', 'forbidden', 'reference', 'schema', 'syntax'])
    expect(files.length).toBeGreaterThanOrEqual(45)
  })

  it.each(files)('%s is refused where it is wrong, with what to do', async name => {
    const { problems } = await validate(name)
    expect(problems[0]).toMatchObject({ file: name, severity: 'error', reason: reasons.get(name), ...expectationOf(name) })
    expect(problems[0]?.hint).toMatch(/\w{3}/)
    // A condition goes on after it.
    expect(problems.filter(({ hint }) => hint.endsWith('.'))).toEqual([])
    expect(problems.map(problem => problem.file)).toEqual(problems.map(() => name))
  })

  it('is never shown with a secret in it', async () => {
    const { problems, warnings } = await validate(...files)
    const shown = [...problems, ...warnings].map(formatProblem).join('\n')
    expect(shown).toContain('CTP_PASSWORD')
    expect(shown).not.toContain('hunter2')
  })
})
