import { gone, type Progress, type Verdict } from './convergence.ts'
import { renderSpan } from './duration.ts'
import { paint, type Terminal, type Tone } from './terminal.ts'

export type Outcome = { state: Verdict['state'] | 'timeout'; why: string; elapsedMs: number }

/** Where the progress of a wait goes. One stream of facts, three ways to write it. */
export type ProgressRenderer = {
  step: (step: Progress, elapsedMs: number) => void
  waiting: (why: string, elapsedMs: number) => void
  end: (outcome: Outcome) => void
}

/** JSON lines on standard output where they were asked for; else lines on standard error, with a live last line on a terminal. */
export function progressRenderer(terminal: Terminal, format: string | undefined, subject: string): ProgressRenderer {
  if (format === 'json') return jsonRenderer(terminal, subject)
  return terminal.errInteractive ? liveRenderer(terminal, subject) : plainRenderer(terminal, subject)
}

function jsonRenderer(terminal: Terminal, subject: string): ProgressRenderer {
  const write = (line: Record<string, unknown>) => terminal.out(`${JSON.stringify(line)}\n`)
  return {
    step: (step, elapsedMs) => write({ ...step, subject, elapsedMs }),
    waiting: () => undefined,
    end: outcome => write({ type: 'outcome', subject, ...outcome }),
  }
}

function plainRenderer(terminal: Terminal, subject: string): ProgressRenderer {
  return {
    step: (step, elapsedMs) => terminal.err(`${stamp(elapsedMs)}  ${wordsOf(step).text}\n`),
    waiting: () => undefined,
    end: outcome => terminal.out(`${outcomeLine(subject, outcome, terminal.outColour)}\n`),
  }
}

function liveRenderer(terminal: Terminal, subject: string): ProgressRenderer {
  const clear = '\r\u001b[2K'
  return {
    step: (step, elapsedMs) => {
      const { text, tone } = wordsOf(step)
      terminal.err(`${clear}${paint(stamp(elapsedMs), 'quiet', terminal.errColour)}  ${paint(text, tone, terminal.errColour)}\n`)
    },
    waiting: (why, elapsedMs) =>
      terminal.err(`${clear}${paint(`${stamp(elapsedMs)}  … ${why}`.slice(0, 110), 'busy', terminal.errColour)}`),
    end: outcome => {
      terminal.err(clear)
      terminal.out(`${outcomeLine(subject, outcome, terminal.outColour)}\n`)
    },
  }
}

/** A step in words, with the glyph that goes with its colour. */
export function wordsOf(step: Progress): { text: string; tone: Tone } {
  switch (step.type) {
    case 'generation':
      return { text: `↻ the controller has read generation ${step.generation}`, tone: 'busy' }
    case 'phase':
      return { text: `↻ phase ${step.phase}`, tone: 'busy' }
    case 'active':
      return {
        text: `✓ ${step.to} publishes${step.from === undefined ? '' : `, no longer ${step.from}`}${step.epoch === undefined ? '' : ` (epoch ${step.epoch})`}`,
        tone: 'good',
      }
    case 'revision':
      return { text: `↻ revision ${step.from === undefined ? '' : `${step.from} -> `}${step.to} runs`, tone: 'busy' }
    case 'condition':
      return conditionWords(step)
    case 'event':
      return {
        text: `${step.severity === 'Warning' ? '!' : '·'} ${step.reason}: ${step.message}`,
        tone: step.severity === 'Warning' ? 'warn' : 'quiet',
      }
    case 'note':
      return { text: `! ${step.message}`, tone: 'warn' }
  }
}

/** Conditions that are bad while true; every other one is bad while false. */
const badWhileTrue = new Set(['Stalled', 'RolledBack'])

function conditionWords({ condition, status, reason, message }: Progress & { type: 'condition' }): { text: string; tone: Tone } {
  if (reason === gone) return { text: `✓ ${condition} ended`, tone: 'good' }
  const words = `${condition}=${status} ${reason}${message === '' ? '' : `: ${message}`}`
  if (condition === 'Reconciling' || status === 'Unknown') return { text: `↻ ${words}`, tone: 'busy' }
  if (condition === 'FailedOver') return { text: `· ${words}`, tone: 'quiet' }
  const isBad = (status === 'True') === badWhileTrue.has(condition)
  return isBad ? { text: `✗ ${words}`, tone: 'bad' } : { text: `✓ ${words}`, tone: 'good' }
}

function outcomeLine(subject: string, { state, why, elapsedMs }: Outcome, colour: boolean): string {
  const words = `${subject}: ${why} (${renderSpan(elapsedMs)})`
  if (state === 'done') return `${paint('✓ Done', 'good', colour)} ${words}`
  if (state === 'timeout') return `${paint('! Timeout', 'warn', colour)} ${words}`
  return `${paint('✗ Failed', 'bad', colour)} ${words}`
}

function stamp(elapsedMs: number): string {
  return `+${(elapsedMs / 1000).toFixed(1)}s`.padStart(7)
}
