/** Names compared a call at most; a hint is not worth more time than that. */
const maxCandidates = 50_000

/**
 * The known name that is nearest to a mistyped one: by edit distance (Damerau's, adjacent letters swapped count once), ignoring
 * case, and no farther than a third of its length. `undefined` where none is near.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase()
  let limit = Math.max(1, Math.floor(wanted.length / 3)) + 1
  let best: string | undefined
  let seen = 0
  for (const candidate of candidates) {
    if (++seen > maxCandidates) break
    const distance = distanceBelow(wanted, candidate.toLowerCase(), limit)
    if (distance >= limit) continue
    limit = distance
    best = candidate
  }
  return best
}

/** `did you mean "x"?`, or the fallback where nothing is near. */
export function didYouMean(name: string, candidates: Iterable<string>, fallback: string): string {
  const candidate = nearest(name, candidates)
  return candidate === undefined ? fallback : `did you mean "${candidate}"?`
}

/** Edit distance, or `limit` as soon as it cannot be below that. */
function distanceBelow(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = nextRow(a, b, row, last, beforeLast)
    if (Math.min(...current) >= limit) return limit
    beforeLast = last
    last = current
  }
  return last[b.length] ?? limit
}

function nextRow(a: string, b: string, row: number, last: number[], beforeLast: number[]): number[] {
  const current = [row]
  for (let column = 1; column <= b.length; column++) {
    const same = a[row - 1] === b[column - 1]
    const edited = Math.min(at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + (same ? 0 : 1))
    const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
    current.push(swapped ? Math.min(edited, at(beforeLast, column - 2) + 1) : edited)
  }
  return current
}

function at(row: number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
