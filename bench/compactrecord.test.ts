import { describe, expect, it } from 'vitest'
import { sampleTick } from '../feed/publish/sampletick.ts'
import { CompactRecord } from './compactrecord.ts'

describe('the record that JSON is measured against', () => {
  it('keeps every field of a tick, or the comparison would not be fair', () => {
    const record = new CompactRecord()
    for (const tick of [sampleTick({}), sampleTick({ snapshot: true, exchangeTime: null, close: 12.5 })]) {
      expect(record.decode(record.encode(tick))).toEqual(tick)
    }
  })
})
