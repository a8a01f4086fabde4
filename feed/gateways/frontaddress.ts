const shape = /^tcp:\/\/[^\s/:]+:\d{1,5}$/

/** Whether it is `tcp://HOST:PORT`, with a port that there is. */
export function isFrontAddress(front: string): boolean {
  return shape.test(front) && URL.canParse(front) && Number(new URL(front).port) > 0
}
