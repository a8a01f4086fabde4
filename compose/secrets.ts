import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { writeSecretSet } from './secretset.ts'

const usage = `usage: npm run secrets -- --directory DIRECTORY [--simulator]

Writes the secret files that compose/docker-compose.yml needs below DIRECTORY, which FEEDPLANE_SECRETS then names. Passwords are drawn
at random; files that are there stay as they are. --simulator adds the accounts of the simulator. As root, files belong to the users of
the containers and nobody else reads them.`

/** Prints a line for each file written, never a value. 0 when the set is complete, 1 when it cannot be written, 2 for wrong arguments. */
async function main(): Promise<number> {
  const options = readOptions()
  if (options === undefined) return 2
  try {
    const written = await writeSecretSet({ ...options, isRoot: process.getuid?.() === 0 })
    for (const file of written) console.log(file)
    return 0
  } catch (error) {
    console.error(`secrets: ${error instanceof Error ? error.message : error}`)
    return 1
  }
}

function readOptions() {
  try {
    const { values } = parseArgs({ options: { directory: { type: 'string' }, simulator: { type: 'boolean', default: false } } })
    if (values.directory === undefined) throw new Error('--directory is missing')
    return { directory: resolve(values.directory), simulator: values.simulator }
  } catch (error) {
    console.error(`secrets: ${error instanceof Error ? error.message : error}\n\n${usage}`)
    return undefined
  }
}

process.exitCode = await main()
