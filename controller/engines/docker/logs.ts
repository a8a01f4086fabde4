const headerBytes = 8

/**
 * Text of Docker's multiplexed log stream (Engine API, "Stream format"): frames of an 8-byte header (stream type, three zeros, length in
 * big-endian) and a payload, which may end in the middle of a line or a character. A terminal's log has no frames.
 */
export function decodeLogs(data: Buffer, terminal: boolean): string {
  if (terminal) return data.toString('utf8')
  const unended = new Map<number, Buffer[]>()
  const lines: Buffer[] = []
  for (let at = 0; at + headerBytes <= data.length; ) {
    const type = data.readUInt8(at)
    const end = at + headerBytes + data.readUInt32BE(at + 4)
    const held = unended.get(type) ?? []
    unended.set(type, held)
    held.push(data.subarray(at + headerBytes, end))
    if (data[Math.min(end, data.length) - 1] === newline) lines.push(...held.splice(0))
    at = end
  }
  return Buffer.concat([...lines, ...[...unended.values()].flat()]).toString('utf8')
}

const newline = 10
