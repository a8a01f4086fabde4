/** The member at a column's JSON path: `.spec.image`, `.status.conditions[?(@.type=='Ready')].message`. Absent: undefined. */
export function valueAt(root: unknown, path: string): unknown {
  let value: unknown = root
  for (const step of stepsOf(path)) {
    if (step.where !== undefined)
      value = Array.isArray(value) ? value.find(item => member(item, step.name) === step.where) : undefined
    else value = member(value, step.name)
  }
  return value
}

type Step = { name: string; where?: string }

function stepsOf(path: string): Step[] {
  const steps: Step[] = []
  for (const [, name, key, where] of path.matchAll(/\.([A-Za-z0-9_-]+)|\[\?\(@\.(\w+)==['"]([^'"]*)['"]\)\]/g)) {
    if (name !== undefined) steps.push({ name })
    else if (key !== undefined && where !== undefined) steps.push({ name: key, where })
  }
  return steps
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Record<string, unknown>)[name]
}
