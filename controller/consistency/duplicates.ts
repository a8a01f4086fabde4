import type { Problem } from '../sources/problem.ts'
import { type Declared, objectKey } from '../sources/source.ts'
import { problemAt } from './problem.ts'

/** Objects by key. Of several with one key the owner's file wins, else the first. */
export function withoutDuplicates(
  declared: Iterable<Declared>,
  ownerOf: (key: string) => string | undefined = () => undefined,
): { objects: Map<string, Declared>; duplicates: { loser: Declared; winner: Declared }[] } {
  const objects = new Map<string, Declared>()
  const others: Declared[] = []
  for (const candidate of declared) {
    const key = objectKey(candidate.resource)
    const present = objects.get(key)
    if (present === undefined) objects.set(key, candidate)
    else if (candidate.origin.file !== ownerOf(key) || present.origin.file === ownerOf(key)) others.push(candidate)
    else {
      objects.set(key, candidate)
      others.push(present)
    }
  }
  const duplicates = others.map(loser => ({ loser, winner: objects.get(objectKey(loser.resource)) ?? loser }))
  return { objects, duplicates }
}

/** Names both places, at the one that does not count. */
export function duplicateName({ loser, winner }: { loser: Declared; winner: Declared }): Problem {
  const { file, line } = winner.origin
  return problemAt(loser, ['metadata', 'name'], {
    category: 'duplicate',
    reason: 'DuplicateName',
    message: `${objectKey(loser.resource)} is declared twice: the one in ${file}:${line} counts, this one does not`,
    hint: 'rename one of them, put it into another namespace, or remove it',
  })
}
