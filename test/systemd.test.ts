// needs: systemd-analyze
import { execFile } from 'node:child_process'
import { cpSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { usageErrorOf } from '../controller/cli/program.ts'
import { temporaryDirectory } from './services/directory.ts'

const root = resolve(import.meta.dirname, '..')
const folder = join(root, 'manifests/install/systemd')
const installed = '/opt/feedplane'
const services = globSync('*.service', { cwd: folder }).sort()
const timers = globSync('*.timer', { cwd: folder }).sort()

/** Exposure that systemd-analyze gives a unit, from 0 to 10, times ten. Those with the engine's socket are as root anyway. */
const mostExposed = { plain: 12, withSocket: 16 }

let units: Awaited<ReturnType<typeof temporaryDirectory>>

const text = (unit: string) => readFileSync(join(folder, unit), 'utf8')

/** The units as they are installed, but for this checkout in place of the installation: what they start must be there. */
beforeAll(async () => {
  units = await temporaryDirectory('systemd')
  cpSync(folder, units.path, { recursive: true })
  for (const unit of globSync('**/*.{service,timer,conf}', { cwd: units.path })) {
    const path = join(units.path, unit)
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(installed, root))
  }
})

afterAll(() => units?.remove())

/** Standard error of `systemd-analyze`, and whether it was content. The units' own folder comes before the machine's. */
function analyze(...args: string[]): Promise<{ ok: boolean; said: string }> {
  const env = { ...process.env, SYSTEMD_UNIT_PATH: `${units.path}:` }
  return new Promise(done => {
    execFile('systemd-analyze', args, { cwd: units.path, env }, (error, stdout, stderr) =>
      done({ ok: error === null, said: `${stdout}${stderr}` }),
    )
  })
}

describe.each([...services, ...timers])('%s', unit => {
  it('is a unit that systemd has nothing to say about', async () => {
    expect(await analyze('verify', '--man=no', unit)).toEqual({ ok: true, said: '' })
  })
})

describe.each(services)('%s', unit => {
  const hasSocket = text(unit).includes('SupplementaryGroups=docker')

  it('is hardened', async () => {
    const threshold = hasSocket ? mostExposed.withSocket : mostExposed.plain
    const { ok, said } = await analyze('security', '--offline=true', '--no-pager', `--threshold=${threshold}`, unit)
    expect({ ok, said: ok ? '' : said }).toEqual({ ok: true, said: '' })
  })

  it('has the engine’s socket only where it calls Compose or is the controller', () => {
    expect(hasSocket).toBe(/feedplane-(controller|session-)/.test(unit))
  })

  it('starts a command that is there', async () => {
    const [, program, ...args] = /^ExecStart=(.*)$/m.exec(text(unit))?.[1]?.split(' ') ?? []
    if (program !== `${installed}/controller/cli/feedctl.ts`) return expect(program).toBe(`${installed}/controller/main.ts`)
    const given = args.map(argument => argument.replace('%i', 'day').replace('%I', 'production/after-close'))
    expect(await usageErrorOf(given)).toBeUndefined()
  })
})

describe.each(timers)('%s', timer => {
  it('starts a service that is there', () => {
    const service = timer.replace(/@[^.]*\.timer$/, '@.service').replace(/\.timer$/, '.service')
    expect(services).toContain(service)
  })

  it('comes at times that there are, in the exchanges’ zone where it has an hour', async () => {
    const times = [...text(timer).matchAll(/^OnCalendar=(.*)$/gm)].map(([, time]) => time ?? '')
    expect(times.length).toBeGreaterThan(0)
    expect(times.filter(time => /\d\d:\d\d/.test(time) && !time.endsWith(' Asia/Shanghai'))).toEqual([])
    expect(await analyze('calendar', ...times)).toMatchObject({ ok: true })
  })
})

it('complains about a unit that is wrong', async () => {
  writeFileSync(
    join(units.path, 'feedplane-wrong.service'),
    '[Service]\nType=oneshot\nExecStart=/nowhere/at/all\nProtectSytem=strict\n',
  )
  const { ok, said } = await analyze('verify', '--man=no', 'feedplane-wrong.service')
  expect({ ok, said }).toEqual({ ok: false, said: expect.stringContaining('/nowhere/at/all') })
  expect(said).toContain('ProtectSytem')
  writeFileSync(join(units.path, 'bare.service'), `[Service]\nType=oneshot\nExecStart=${root}/node_modules/.bin/node\n`)
  expect(
    await analyze('security', '--offline=true', '--no-pager', `--threshold=${mostExposed.withSocket}`, 'bare.service'),
  ).toMatchObject({
    ok: false,
  })
})

it('has variables that .env.example explains, and none of a secret', () => {
  const names = Object.keys(parseEnv(text('feedplane.env')))
  const explained = new Set(
    [...readFileSync(join(root, '.env.example'), 'utf8').matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name),
  )
  expect(names.filter(name => !explained.has(name))).toEqual([])
  const secret = /(PASSWORD|TOKEN|AUTH_CODE|_KEY)/
  expect([...names, ...services.map(text)].filter(found => secret.test(found))).toEqual([])
})
