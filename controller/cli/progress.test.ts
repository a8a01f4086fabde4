import { describe, expect, it } from 'vitest'
import type { Progress } from './convergence.ts'
import { progressRenderer, wordsOf } from './progress.ts'

const steps: { step: Progress; words: string }[] = [
  { step: { type: 'generation', generation: 4 }, words: '↻ the controller has read generation 4' },
  { step: { type: 'phase', phase: 'proving' }, words: '↻ phase proving' },
  { step: { type: 'revision', from: 1, to: 2 }, words: '↻ revision 1 -> 2 runs' },
  { step: { type: 'active', from: 'primary', to: 'backup', epoch: 8 }, words: '✓ backup publishes, no longer primary (epoch 8)' },
  { step: { type: 'condition', condition: 'Ready', status: 'True', reason: 'A', message: 'ok' }, words: '✓ Ready=True A: ok' },
  { step: { type: 'condition', condition: 'Ready', status: 'False', reason: 'A', message: '' }, words: '✗ Ready=False A' },
  { step: { type: 'condition', condition: 'Stalled', status: 'True', reason: 'A', message: 'x' }, words: '✗ Stalled=True A: x' },
  { step: { type: 'condition', condition: 'Stalled', status: 'False', reason: 'Gone', message: '' }, words: '✓ Stalled ended' },
  { step: { type: 'event', severity: 'Warning', reason: 'RolloutFailed', message: 'r2' }, words: '! RolloutFailed: r2' },
  { step: { type: 'event', severity: 'Normal', reason: 'Proven', message: 'r2' }, words: '· Proven: r2' },
  { step: { type: 'note', message: 'lost the controller' }, words: '! lost the controller' },
]

describe('a step', () => {
  it.each(steps)('reads: $words', ({ step, words }) => {
    expect(wordsOf(step).text).toBe(words)
  })
})

describe('the renderers', () => {
  const step: Progress = { type: 'phase', phase: 'proving' }

  it('plain: a line for each step on standard error, the outcome alone on standard output', () => {
    expect(written({ format: 'text', interactive: false })).toEqual({
      err: '  +1.2s  ↻ phase proving\n',
      out: '✗ Failed default/ctp: r2 failed (3s)\n',
    })
  })

  it('terminal: the same, with a last line that is redrawn and gone at the end', () => {
    const clear = '\r\u001b[2K'
    expect(written({ format: 'text', interactive: true })).toEqual({
      err: `${clear}  +1.2s  ↻ phase proving\n${clear}  +2.0s  … no tick yet${clear}`,
      out: '✗ Failed default/ctp: r2 failed (3s)\n',
    })
  })

  it('json: a line for each step and the outcome, all on standard output', () => {
    const { out, err } = written({ format: 'json', interactive: true })
    expect(err).toBe('')
    expect(
      out
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as unknown),
    ).toEqual([
      { type: 'phase', phase: 'proving', subject: 'default/ctp', elapsedMs: 1200 },
      { type: 'outcome', subject: 'default/ctp', state: 'failed', why: 'r2 failed', elapsedMs: 3000 },
    ])
  })

  function written({ format, interactive }: { format: string; interactive: boolean }): { out: string; err: string } {
    const text = { out: '', err: '' }
    const write = (to: 'out' | 'err') => (more: string) => {
      text[to] += more
    }
    const colourless = { outColour: false, errColour: false, outInteractive: interactive, errInteractive: interactive }
    const renderer = progressRenderer(
      { out: write('out'), err: write('err'), ...colourless, now: () => 0 },
      format,
      'default/ctp',
    )
    renderer.step(step, 1200)
    renderer.waiting('no tick yet', 2000)
    renderer.end({ state: 'failed', why: 'r2 failed', elapsedMs: 3000 })
    return text
  }
})
