import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatProblem, type Validation, validatePaths } from './validation.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'overrides-'))
  await mkdir(join(directory, 'data/calendar'), { recursive: true })
})
afterEach(() => rm(directory, { recursive: true }))

const profile = `apiVersion: feedplane.dev/v1alpha1
kind: FeedProfile
metadata: {name: live, namespace: test}
spec:
  gateway: {type: simulator}
  calendar: {overrides: calendar/c.yaml}
`

async function validate(overrides: string | undefined): Promise<Validation> {
  await writeFile(join(directory, 'profile.yaml'), profile)
  if (overrides !== undefined) await writeFile(join(directory, 'data/calendar/c.yaml'), overrides)
  const options = { dataDirectory: join(directory, 'data'), env: {}, relativeTo: directory }
  return validatePaths([join(directory, 'profile.yaml')], options)
}

const spring = 'closed:\n  - {from: 2027-02-05, to: 2027-02-11, reason: Spring Festival}\n'
const windows = (window: string) => `windows:\n  - from: 2027-01-04\n    to: 2027-01-08\n    reason: x\n    day: [${window}]\n`

describe('an override file that a profile names', () => {
  it('is right, or empty, without a word', async () => {
    for (const text of [`knownUntil: 2027-12-31\n${spring}`, '', '{"closed": []}']) {
      const { problems, warnings } = await validate(text)
      expect([...problems, ...warnings]).toEqual([])
    }
  })

  const wrong: [string, string, string][] = [
    ['a date', 'closed:\n  - {from: 2027-13-05, reason: x}\n', '2:12: closed[0].from: from cannot be "2027-13-05"'],
    [
      'a span',
      'closed:\n  - {from: 2027-02-11, to: 2027-02-05, reason: x}\n',
      '2:5: closed[0]: closed[0]: the span ends before it begins',
    ],
    ['a missing reason', 'open:\n  - {from: 2027-02-06}\n', '2:5: open[0].reason: reason is missing'],
    ['an unknown member', `${spring}closes: []\n`, '3:1: closes: there is no field closes here'],
    ['a window', windows('["21:00:00", "02:30:00"]'), '5:11: windows[0].day[0]: day[0]: the window ends before it begins'],
    ['a time', windows('["9:00", "10:15:00"]'), '5:12: windows[0].day[0][0]: day[0][0] cannot be "9:00"'],
    ['a day that is both', `${spring}open: [{from: 2027-02-06, reason: x}]\n`, '3:7: open: open: a day is both closed and open'],
    ['its syntax', 'closed: [\n', '1:10: closed: '],
    ['an alias', 'closed: &days []\nopen: *days\n', '2:7: an alias: the feed reads none'],
    ['a second document', `${spring}---\n${spring}`, '4:1: a second document: the feed reads none'],
  ]
  it.each(wrong)('is refused where %s is wrong, with file, line, column and path', async (_name, text, expected) => {
    const { problems } = await validate(text)
    expect(problems.map(formatProblem)[0]).toContain(`data/calendar/c.yaml:${expected}`)
    expect(problems[0]).toMatchObject({ kind: 'FeedProfile', namespace: 'test', name: 'live', severity: 'error' })
    expect(problems[0]?.hint).toMatch(/\w{3}/)
    expect(problems[0]?.hint).not.toContain('reference page')
  })

  it('is not text, or too large', async () => {
    await writeFile(join(directory, 'data/calendar/c.yaml'), Buffer.from([0xff, 0xfe, 0x00]))
    expect((await validate(undefined)).problems[0]).toMatchObject({ file: 'data/calendar/c.yaml', reason: 'NotText' })
    expect((await validate(`# ${'x'.repeat(1_048_577)}`)).problems[0]).toMatchObject({ reason: 'FileTooLarge' })
  })

  it('is a warning at the profile where it is not there: the feed may have another data directory', async () => {
    const { problems, warnings } = await validate(undefined)
    expect(problems).toEqual([])
    expect(warnings).toEqual([
      expect.objectContaining({
        reason: 'OverridesNotFound',
        file: 'profile.yaml',
        line: 6,
        column: 25,
        path: 'spec.calendar.overrides',
      }),
    ])
  })
})
