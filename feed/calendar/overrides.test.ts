import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadCalendar } from './open.ts'

it('is read below the data directory, as YAML and as JSON', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'calendar-'))
  try {
    await writeFile(join(directory, 'a.yaml'), 'knownUntil: 2099-12-31\n')
    await writeFile(join(directory, 'b.json'), '{"knownUntil": "2099-12-31"}')
    await writeFile(join(directory, 'huge.yaml'), `# ${'x'.repeat(1_048_577)}`)
    for (const overrides of ['a.yaml', 'b.json']) {
      const { days } = await loadCalendar({ type: 'china-futures', overrides }, directory)
      expect(days.horizon(Date.parse('2098-12-31T12:00:00+08:00'))).toBeGreaterThan(200)
    }
    const huge = loadCalendar({ type: 'china-futures', overrides: 'huge.yaml' }, directory)
    await expect(huge).rejects.toMatchObject({ reason: 'CalendarInvalid', message: expect.stringMatching(/larger than/) })
  } finally {
    await rm(directory, { recursive: true })
  }
})
