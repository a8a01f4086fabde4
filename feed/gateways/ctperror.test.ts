import { describe, expect, it } from 'vitest'
import { loginFaultOf } from '../session/loginfault.ts'
import { ctpErrorOf, frontText } from './ctperror.ts'

describe('ctpErrorOf', () => {
  it.each([
    [3, 'invalid login', 'stalled', 'LoginRefused'],
    [8, 'the front is not active', 'transient', 'FrontInactive'],
    [60, 'the user has too many sessions', 'transient', 'SessionLimit'],
    [75, 'login forbidden after too many failures', 'waiting', 'AccountLocked'],
    [131, 'weak password', 'stalled', 'WeakPassword'],
    [140, 'the first login must change the password', 'stalled', 'PasswordChangeRequired'],
    [5, 'duplicate login', 'transient', 'LoginFailed'],
    [7, 'the front is not initialised', 'transient', 'LoginFailed'],
  ] as const)('says what %i means (%s), which a login takes for %s: %s', (ErrorID, meaning, faultClass, reason) => {
    const error = ctpErrorOf({ ErrorID, ErrorMsg: '' })
    expect(error).toEqual({ ErrorID, ErrorMsg: meaning })
    expect(loginFaultOf(error)).toMatchObject({ class: faultClass, reason })
  })

  it.each([
    [6, 'not logged in'],
    [16, 'instrument not found'],
  ])('says what %i means: %s', (ErrorID, meaning) => {
    expect(ctpErrorOf({ ErrorID, ErrorMsg: 'CTP:前置' })).toEqual({ ErrorID, ErrorMsg: `${meaning} (CTP:前置)` })
  })

  it('keeps the id and the front’s text of an error that it does not know', () => {
    expect(ctpErrorOf({ ErrorID: 1234, ErrorMsg: 'CTP:新的错误' })).toEqual({ ErrorID: 1234, ErrorMsg: 'CTP:新的错误' })
    expect(ctpErrorOf({ ErrorID: 1234, ErrorMsg: '' })).toEqual({ ErrorID: 1234, ErrorMsg: 'no text' })
  })
})

describe('frontText', () => {
  it('leaves a text alone that the binding has converted', () => {
    for (const text of ['', 'CTP:invalid login', 'CTP:不合法的登录', 'CTP：您当前密码为弱密码'])
      expect(frontText(text)).toBe(text)
  })

  it('reads GB18030 again that the binding took for UTF-8', () => {
    const gb18030 = Buffer.from([0xcd, 0xa3, 0xc4, 0xa3])
    expect(new TextDecoder('utf-8', { fatal: true }).decode(gb18030)).toBe('ͣģ')
    expect(frontText('ͣģ')).toBe('停模')
    expect(frontText('CTP:ͣģ')).toBe('CTP:停模')
  })

  it('drops a text of which bytes are lost, so that nobody reads a wrong one', () => {
    expect(frontText(Buffer.from([0x43, 0xb2, 0xbb, 0xba, 0xcf]).toString('utf8'))).toBe('')
    expect(ctpErrorOf({ ErrorID: 3, ErrorMsg: '\ufffd\ufffd' }).ErrorMsg).toBe('invalid login')
  })
})
