import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { usageErrorOf } from '../../controller/cli/program.ts'
import { commandsOf } from './page.ts'
import { alerts } from './rules.ts'

const folder = resolve(import.meta.dirname, '../../docs/runbooks')
const pages = globSync('*.md', { cwd: folder }).filter(page => page !== 'README.md')
const index = readFileSync(join(folder, 'README.md'), 'utf8')

/** What an operator has beside feedctl. */
const tools = ['docker', 'nats', 'promtool', 'systemctl']
const operations = [
  ...['pre-market', 'intra-day-restart', 'shutdown', 'failover', 'failback', 'rollback', 'rotation', 'drill', 'incident'],
]

it('there is a page for each alert and each operation, and no other', () => {
  const wanted = [...alerts.map(({ alert }) => `${alert}.md`), ...operations.map(name => `${name}.md`)]
  expect(pages.sort()).toEqual(wanted.sort())
})

describe.each(pages)('the page %s', page => {
  const text = readFileSync(join(folder, page), 'utf8')

  it('says how to verify and when to escalate, and is in the index', () => {
    expect(text).toMatch(/^# .+\n\n\*(Symptom|When)/)
    expect(text).toMatch(/^## Verify$/m)
    expect(text).toMatch(/^## Escalate\n\n\S/m)
    expect(index).toContain(`](${page})`)
  })

  it('gives commands that are there', async () => {
    const commands = commandsOf(text)
    expect(commands.length).toBeGreaterThan(1)
    for (const [program = '', ...args] of commands) {
      if (program === 'feedctl') expect(await usageErrorOf(args)).toBeUndefined()
      else expect(tools).toContain(program)
    }
  })

  it('links to files that are there', () => {
    const links = [...text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => join(folder, dirname(page), link))
    expect(links.filter(link => !existsSync(link))).toEqual([])
  })
})
