import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dashboardFiles } from './dashboards.ts'

const folder = join(import.meta.dirname, '../dashboards')

// The dashboards that Grafana is given are files, so that it needs nothing but a mount. `--check` writes nothing and fails where they differ.
const wanted = dashboardFiles()
const present = new Map(readdirSync(folder).map(name => [name, readFileSync(join(folder, name), 'utf8')]))
const stale = [...new Set([...wanted.keys(), ...present.keys()])].filter(name => wanted.get(name) !== present.get(name))

if (process.argv.includes('--check')) {
  for (const name of stale)
    console.error(`compose/grafana/dashboards/${name} is not what compose/grafana/generator makes: run npm run generate`)
  process.exitCode = stale.length > 0 ? 1 : 0
} else {
  for (const name of stale) bringUpToDate(name, wanted.get(name))
}

function bringUpToDate(name: string, text: string | undefined): void {
  if (text === undefined) rmSync(join(folder, name))
  else writeFileSync(join(folder, name), text)
  console.log(`compose/grafana/dashboards/${name}: ${text === undefined ? 'removed' : 'written'}`)
}
