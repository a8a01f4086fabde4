import { describe, expect, it } from 'vitest'
import { Replies } from './replies.ts'

describe('the subjects of replies', () => {
  it('are used again, so that as few are needed as are on their way at once', () => {
    const replies = new Replies()
    const subjects = new Set<string>()
    for (let round = 0; round < 100; round++) {
      const numbers = [replies.take(), replies.take()]
      for (const number of numbers) {
        const subject = replies.expect(number)
        subjects.add(subject)
        expect(replies.answered(subject)).toBe(number)
        replies.release(number)
      }
    }
    expect(subjects.size).toBe(2)
  })

  it('are not given to another while an answer may still come', () => {
    const replies = new Replies()
    const first = replies.take()
    const subject = replies.expect(first)
    replies.expect(first)
    replies.answered(subject)
    replies.release(first)
    expect(replies.take()).not.toBe(first)
    replies.answered(subject)
    expect(replies.take()).toBe(first)
  })

  it('are all free again in a new inbox, but for those that somebody waits under', () => {
    const replies = new Replies()
    const [lost, waiting] = [replies.take(), replies.take()]
    const old = replies.expect(lost)
    replies.expect(waiting)
    replies.release(lost)
    const before = replies.subject
    replies.renew()
    expect(replies.subject).not.toBe(before)
    expect(replies.take()).toBe(lost)
    expect(replies.take()).not.toBe(waiting)
    expect(replies.expect(lost)).not.toBe(old)
  })

  it('take no notice of an answer that nobody expects', () => {
    const replies = new Replies()
    const number = replies.take()
    expect(replies.answered(replies.subject.replace('*', 'x'))).toBe(-1)
    expect(replies.answered(replies.subject.replace('*', String(number)))).toBe(-1)
    const subject = replies.expect(number)
    expect(replies.answered(subject)).toBe(number)
  })
})
