/**
 * Kills the controller as a power cut would, at a point of a rollout: `POINT` is a phase, reached when it is persisted and nothing of it has been
 * done (`promoting`), or a moment between two gates (`promoting/closed`). For tests.
 */
export function failpoint(wanted: string): (key: string, point: string) => void {
  return (_key, point) => {
    if (point === wanted) process.kill(process.pid, 'SIGKILL')
  }
}
