import { StringDecoder } from 'node:string_decoder'

/** More than any progress line or event; a line beyond it is no JSON of Docker's. */
const maxLineChars = 4 * 1024 * 1024

/**
 * Values of a stream of JSON lines; the last line may lack its end. A line that is not JSON is given to `onMalformed` and left out.
 * Throws what the stream throws, and where a line has no end.
 */
export async function* readLines(stream: AsyncIterable<Buffer>, onMalformed: (line: string) => void): AsyncGenerator<unknown> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > maxLineChars) throw new Error(`a line of more than ${maxLineChars} characters`)
    yield* lines.flatMap(line => parse(line, onMalformed))
  }
  yield* parse(rest + decoder.end(), onMalformed)
}

function parse(line: string, onMalformed: (line: string) => void): unknown[] {
  if (line.trim() === '') return []
  try {
    return [JSON.parse(line)]
  } catch {
    onMalformed(line)
    return []
  }
}
