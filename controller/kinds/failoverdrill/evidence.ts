import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Keeps what drills have shown: one JSON file each, below a folder of each FailoverDrill. */
export type EvidenceKeeper = {
  /** Writes the file and removes the oldest beyond `limit`. Answers its path below the state directory. Throws where the disk refuses. */
  keep(drill: string, id: string, evidence: object, limit: number): string
}

/** Files below `drills/NAMESPACE/NAME/`; names are ids, which sort by time. */
export function evidenceKeeper(stateDirectory: string): EvidenceKeeper {
  return {
    keep(drill, id, evidence, limit) {
      const folder = join('drills', drill)
      const directory = join(stateDirectory, folder)
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      const file = join(directory, `${id}.json`)
      writeFileSync(`${file}.new`, `${JSON.stringify(evidence, null, 2)}\n`, { mode: 0o600, flush: true })
      renameSync(`${file}.new`, file)
      const kept = readdirSync(directory).filter(name => name.endsWith('.json'))
      for (const name of kept.sort().slice(0, -limit)) rmSync(join(directory, name), { force: true })
      return join(folder, `${id}.json`)
    },
  }
}
