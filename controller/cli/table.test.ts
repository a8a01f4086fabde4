import { expect, it } from 'vitest'
import { renderTable } from './table.ts'

it('aligns columns two spaces apart, pads no last column and leaves no blanks at the end', () => {
  expect(
    renderTable(
      ['A', 'LONG', 'MESSAGE'],
      [
        ['aaa', 'b', ''],
        ['a', 'b', 'a long message'],
      ],
    ),
  ).toBe('A    LONG  MESSAGE\naaa  b\na    b     a long message\n')
})

it('measures colours as nothing', () => {
  expect(
    renderTable(
      [],
      [
        ['\u001b[31mred\u001b[39m', 'x'],
        ['longer', 'y'],
      ],
    ),
  ).toBe('\u001b[31mred\u001b[39m     x\nlonger  y\n')
})

it('keeps a row on its line where a cell has newlines', () => {
  expect(renderTable([], [['a', 'two\n  lines']])).toBe('a  two lines\n')
})

it('is empty for nothing', () => {
  expect(renderTable([], [])).toBe('')
})
