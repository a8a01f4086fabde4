import { styleText } from 'node:util'

/** Where feedctl writes and what it may assume about it. Data goes to `out`, progress and complaints to `err`. */
export type Terminal = {
  out: (text: string) => void
  err: (text: string) => void
  outColour: boolean
  errColour: boolean
  /** Someone watches `out`, so that a page may be redrawn in place. */
  outInteractive: boolean
  errInteractive: boolean
  /** ms since 1970 */
  now: () => number
}

export type Tone = 'good' | 'bad' | 'warn' | 'busy' | 'quiet' | 'strong'

const styles = { good: 'green', bad: 'red', warn: 'yellow', busy: 'cyan', quiet: 'gray', strong: 'bold' } as const

/** Colour where it is wanted; the words stay the same without. */
export function paint(text: string, tone: Tone, colour: boolean): string {
  return colour ? styleText(styles[tone], text, { validateStream: false }) : text
}

/** Whether a stream takes colour, as Node decides it from NO_COLOR, FORCE_COLOR, TERM and the stream itself. */
export function takesColour(stream: NodeJS.WriteStream): boolean {
  return styleText('red', 'x', { stream }) !== 'x'
}
