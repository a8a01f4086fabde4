/** Whether every subject that `subject` stands for (it may hold wildcards) is captured by one of the patterns of a stream. */
export function isCovered(subject: string, patterns: string[]): boolean {
  return patterns.some(pattern => covers(pattern.split('.'), subject.split('.')))
}

function covers(pattern: string[], subject: string[]): boolean {
  const [wanted, ...restOfPattern] = pattern
  const [token, ...restOfSubject] = subject
  if (wanted === undefined || token === undefined) return wanted === token
  if (wanted === '>') return true
  if (token === '>' || (wanted !== '*' && wanted !== token)) return false
  return covers(restOfPattern, restOfSubject)
}
