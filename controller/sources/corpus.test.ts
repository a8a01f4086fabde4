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
    expect(problems[0]).toMatchObject({ file: name, severity: 'error', ...expectationOf(name) })
    expect(problems[0]?.hint).toMatch(/\w{3}/)
    expect(problems.map(problem => problem.file)).toEqual(problems.map(() => name))
  })

  it('is never shown with a secret in it', async () => {
    const { problems, warnings } = await validate(...files)
    const shown = [...problems, ...warnings].map(formatProblem).join('\n')
    expect(shown).toContain('CTP_PASSWORD')
    expect(shown).not.toContain('hunter2')
  })
})
