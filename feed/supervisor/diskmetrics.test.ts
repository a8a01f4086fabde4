import { tmpdir } from 'node:os'
import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { addDiskMetrics } from './diskmetrics.ts'

it('tells the size of the disk at the first scrape already, with the room on it', async () => {
  const registry = new Registry()
  addDiskMetrics(registry, tmpdir())
  const text = await registry.metrics()
  const sampleOf = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  expect(sampleOf('md_disk_available_bytes')).toBeGreaterThan(0)
  expect(sampleOf('md_disk_size_bytes')).toBeGreaterThanOrEqual(sampleOf('md_disk_available_bytes'))
})
