// needs: prometheus, promtool
import { expect, it, onTestFinished } from 'vitest'
import { until } from './deadline.ts'
import { checkMetrics, startPrometheus } from './prometheus.ts'

it('answers a query on its own target', async () => {
  const config = { global: { scrape_interval: '1s' }, scrape_configs: [] }
  const prometheus = await startPrometheus(JSON.stringify(config))
  onTestFinished(prometheus.stop)
  const [sample] = await until('a result', () => prometheus.query('vector(42)'))
  expect(sample?.value[1]).toBe('42')
  await expect(prometheus.query('sum(')).rejects.toThrow('sum(')
})

it('tells a good exposition from a bad one', async () => {
  expect(await checkMetrics('# HELP md_ticks_total Ticks.\n# TYPE md_ticks_total counter\nmd_ticks_total 1\n')).toBe('')
  expect(await checkMetrics('# HELP md_ticks Ticks.\n# TYPE md_ticks counter\nmd_ticks 1\n')).toContain('_total')
})
