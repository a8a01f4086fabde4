import { describe, expect, it } from 'vitest'
import { Journal, maxEvents } from './journal.ts'

const event = (reason: string) => ({ type: 'Normal', reason, message: 'something happened' }) as const

describe('the journal', () => {
  it('numbers events and answers those after a number', () => {
    const journal = new Journal()
    for (const reason of ['A', 'B', 'C']) journal.add(event(reason))
    expect(journal.after(1).map(({ sequence, reason }) => [sequence, reason])).toEqual([
      [2, 'B'],
      [3, 'C'],
    ])
  })

  it('answers everything to a reader whose number is from before a restart', () => {
    const journal = new Journal()
    journal.add(event('A'))
    expect(journal.after(500)).toHaveLength(1)
  })

  it('keeps a bounded number of events', () => {
    const journal = new Journal()
    for (let i = 0; i < maxEvents + 10; i++) journal.add(event('A'))
    expect(journal.after(0)).toHaveLength(maxEvents)
    expect(journal.after(0)[0]?.sequence).toBe(11)
  })

  it('tells followers until they leave', () => {
    const journal = new Journal()
    const seen: string[] = []
    const leave = journal.follow(({ reason }) => seen.push(reason))
    journal.add(event('A'))
    leave()
    journal.add(event('B'))
    expect(seen).toEqual(['A'])
  })
})
