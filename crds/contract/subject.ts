/**
 * NATS subject of an instrument: `PREFIX.EXCHANGE.INSTRUMENT`. A subject token cannot hold spaces, dots, `*` or `>`, and
 * combinations such as `SPD TA009&TA108` have spaces and `&`. Letters, digits, `-` and `_` stand for themselves; every other
 * byte (UTF-8) is written as `=XX` in capital hexadecimal, as in quoted-printable, so that the name reads back exactly.
 */
export function subjectOf(prefix: string, exchange: string, instrument: string): string {
  return `${prefix}.${exchange}.${encodeToken(instrument)}`
}

export function encodeToken(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]/gu, char =>
    [...Buffer.from(char)].map(byte => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

/** The inverse of `encodeToken`. */
export function decodeToken(token: string): string {
  return Buffer.from(
    token.replace(/=([0-9A-F]{2})/g, (_match, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString('utf8')
}
