/** What a figure must keep to. `of` says which of its numbers; the ratio is that to the first entry of `beside`. */
export type Budget = { of: 'value' | 'p99' | 'ratio' } & ({ atMost: number } | { atLeast: number })

/** Something measured in the same run: a floor that no program of this kind can beat, or a peer that does the same job. */
export type Beside = { kind: 'floor' | 'peer'; name: string; value: number }

/** One measured number. `value` is the median where there are several samples. */
export type Figure = {
  name: string
  unit: 'ms' | 's' | 'bytes' | 'per s' | '% of a core' | '%' | 'MB' | 'count'
  value: number
  p99?: number
  /** Samples. */
  n: number
  beside?: Beside[]
  budget?: Budget
  note?: string
}

export type Judged = Figure & { ratio?: number; holds?: boolean }

/** Adds the ratio to what it stands beside, and whether the budget holds. */
export function judge(figure: Figure): Judged {
  const [first] = figure.beside ?? []
  const ratio = first && first.value > 0 ? figure.value / first.value : undefined
  const judged = { ...figure, ...(ratio !== undefined && { ratio }) }
  return figure.budget ? { ...judged, holds: holds(judged, figure.budget) } : judged
}

function holds(judged: Judged, budget: Budget): boolean {
  const measured = judged[budget.of]
  if (measured === undefined || Number.isNaN(measured)) return false
  return 'atMost' in budget ? measured <= budget.atMost : measured >= budget.atLeast
}
