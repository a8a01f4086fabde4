import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'feedplane-simulator-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const universe = join(import.meta.dirname, 'testdata.json')

/** The exit code, and what the log says at last. */
async function start(...args: string[]): Promise<{ code: unknown; reason: string; message: string }> {
  const run = Promise.withResolvers<{ code: unknown; line: string }>()
  const command = [join(import.meta.dirname, 'main.ts'), '--port', '0', '--universe', universe, ...args]
  execFile(process.execPath, command, { timeout: 20_000 }, (error, out) =>
    run.resolve({ code: error?.code, line: out.trim().split('\n').at(-1) ?? '' }),
  )
  const { code, line } = await run.promise
  const { reason, message } = JSON.parse(line) as { reason: string; message: string }
  return { code, reason, message }
}

it.each([
  ['is not there', undefined, /no such file/],
  ['is no JSON', '[{', /accounts.json: SyntaxError/],
  ['lacks a member', '[{"BROKER_ID": "9999", "USER_ID": "alice"}]', /PASSWORD/],
])('the simulator does not start with an accounts file that %s', async (_what, content, why) => {
  const file = join(directory, 'accounts.json')
  if (content !== undefined) writeFileSync(file, content)
  expect(await start('--accounts', file)).toEqual({ code: 1, reason: 'AccountsInvalid', message: expect.stringMatching(why) })
})

it('the simulator does not start with more instruments than its catalogues yield', async () => {
  expect(await start('--instruments', '20000')).toMatchObject({ code: 1, reason: 'UniverseSize' })
})
