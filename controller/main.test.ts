import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openStore } from './store/store.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'feedplane-main-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const state = () => join(directory, 'state/controller.db')

/** Starts the controller with these variables; what its log says at last, and its exit code. */
async function start(environment: Record<string, string>): Promise<{ code: number; reason: string; message: string }> {
  const env = { FEEDPLANE_MANIFESTS: directory, FEEDPLANE_STATE: join(directory, 'state'), FEEDPLANE_LISTEN: '127.0.0.1:0' }
  const run = Promise.withResolvers<{ code: number; lines: string[] }>()
  execFile(
    process.execPath,
    [resolve(import.meta.dirname, 'main.ts')],
    { env: { ...env, ...environment }, timeout: 20_000 },
    (error, out) => run.resolve({ code: Number(error?.code ?? 0), lines: out.trim().split('\n') }),
  )
  const { code, lines } = await run.promise
  const { reason, err } = JSON.parse(lines.at(-1) ?? '') as { reason: string; err: { message: string } }
  return { code, reason, message: err.message }
}

const newer = () => {
  openStore(state()).close()
  const database = new DatabaseSync(state())
  database.exec('PRAGMA user_version = 99')
  database.close()
}

const cases: [string, Record<string, string>, () => void, string, RegExp][] = [
  ['a setting', { FEEDPLANE_LISTEN: 'here' }, () => undefined, 'SettingsInvalid', /FEEDPLANE_LISTEN: write it as HOST:PORT/],
  ['no manifests', { FEEDPLANE_MANIFESTS: '' }, () => undefined, 'SettingsInvalid', /FEEDPLANE_MANIFESTS: name the folder/],
  [
    'a file that is no state',
    {},
    () => {
      mkdirSync(join(directory, 'state'))
      writeFileSync(state(), 'nothing of ours\n'.repeat(100))
    },
    'StateUnreadable',
    /controller\.db is not the state/,
  ],
  ['the state of a newer controller', {}, newer, 'StateTooNew', /start that version/],
]
it.each(cases)(
  'the controller does not start with %s, and its log says why',
  async (_what, environment, prepare, reason, why) => {
    prepare()
    expect(await start(environment)).toEqual({ code: 1, reason, message: expect.stringMatching(why) })
  },
)
