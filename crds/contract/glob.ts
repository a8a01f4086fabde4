/** Longest pattern and name that `matches` is meant for: its time is their product. */
export const maxGlobLength = 100

/** Whether a text is what a pattern says: `*` any characters, `?` one, everything else itself. Case counts. */
export function matches(glob: string, text: string): boolean {
  let [at, from] = [0, 0]
  let star = -1
  let tried = 0
  while (at < text.length) {
    if (from < glob.length && glob[from] !== '*' && (glob[from] === '?' || glob[from] === text[at])) {
      at++
      from++
    } else if (glob[from] === '*') {
      star = from++
      tried = at
    } else if (star >= 0) {
      from = star + 1
      at = ++tried
    } else return false
  }
  while (glob[from] === '*') from++
  return from === glob.length
}
