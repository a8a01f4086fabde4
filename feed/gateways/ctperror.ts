import type { FrontError } from './gateway.ts'
import type { NapiRspInfo } from './napictp/surface.ts'

/** A front's error with a text that can be read: ours where the id is known, and the front's own where it arrived whole. */
export function ctpErrorOf({ ErrorID, ErrorMsg }: NapiRspInfo): FrontError {
  const own = frontText(ErrorMsg)
  const meaning = meanings[ErrorID]
  if (meaning === undefined) return { ErrorID, ErrorMsg: own === '' ? 'no text' : own }
  return { ErrorID, ErrorMsg: own === '' || own === meaning ? meaning : `${meaning} (${own})` }
}

/**
 * A front's text. Fronts send GB18030; the binding converts what is not valid UTF-8 with the C library's iconv. Two cases remain.
 * Where iconv lacks GB18030, bytes become U+FFFD and the text is lost: ''. Where GB18030 happens to be valid UTF-8, which only
 * pairs of two bytes can be (all characters below U+0800), it arrives misread and is read again here.
 */
export function frontText(text: string): string {
  if (text.includes('\ufffd')) return ''
  if (!/[\u0080-\u07ff]/.test(text) || /[\u0800-\uffff]/.test(text)) return text.trim()
  const again = readAgain(text)
  return (/\p{Script=Han}/u.test(again) ? again : text).trim()
}

function readAgain(text: string): string {
  try {
    return new TextDecoder('gb18030', { fatal: true }).decode(Buffer.from(text, 'utf8'))
  } catch {
    return text
  }
}

/** What CTP's `error.xml` says of the errors that a market-data session can meet, in English. */
const meanings: Record<number, string> = {
  3: 'invalid login',
  4: 'the user is not active',
  5: 'duplicate login',
  6: 'not logged in',
  7: 'the front is not initialised',
  8: 'the front is not active',
  9: 'no privilege',
  11: 'unknown user',
  12: 'unknown broker',
  16: 'instrument not found',
  48: 'wrong investor or password',
  49: 'logins from this address are not allowed',
  57: 'wrong one-time password',
  60: 'the user has too many sessions',
  63: 'client authentication failed',
  64: 'the client is not authenticated',
  75: 'login forbidden after too many failures',
  90: 'not ready, try again later',
  131: 'weak password',
  140: 'the first login must change the password',
  141: 'the password has expired',
  143: 'address forbidden after too many failed logins',
  144: 'address on the black list',
}
