import { readFileSync } from 'node:fs'
import { type Service, services } from './services/availability.ts'

/** A test file below `test/` and the services that its first line names. */
export type Suite = { path: string; needs: Service[] }

export type LeftOut = { path: string; why: string }

/** Reads a suite's first line. Throws where it names a service that nobody knows, so that a typo cannot leave a suite out. */
export function readSuite(path: string): Suite {
  return { path, needs: needsOf(readFileSync(path, 'utf8'), path) }
}

/** The list after `// needs:` on the first line; empty where there is no such line. */
export function needsOf(text: string, path: string): Service[] {
  const [, list] = /^\/\/ needs:(.*)/.exec(text) ?? []
  if (list === undefined) return []
  return list.split(',').map(name => known(name.trim(), path))
}

/** The suites that cannot run here, each with its reasons. */
export function leftOut(suites: Suite[], missing: Map<Service, string | undefined>): LeftOut[] {
  return suites.flatMap(({ path, needs }) => {
    const reasons = needs.flatMap(service => {
      const reason = missing.get(service)
      return reason === undefined ? [] : [`${service} (${reason})`]
    })
    return reasons.length === 0 ? [] : [{ path, why: `needs ${reasons.join(', ')}` }]
  })
}

function known(name: string, path: string): Service {
  const service = services.find(candidate => candidate === name)
  if (service === undefined) throw new Error(`${path}:1: unknown service "${name}"; known are ${services.join(', ')}`)
  return service
}
