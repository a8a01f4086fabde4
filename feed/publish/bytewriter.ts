/** Some 300 ticks. A slab is given up when the next piece does not fit, and goes when the last piece of it is forgotten. */
const slabBytes = 256 * 1024

const minus = 45
const point = 46
const zero = 48
const digitsAPart = 1e9
/** Below it doubles lie closer together than thousandths: of the decimals with three places only one reads back as the number. */
const maxScaled = 2 ** 51
/** Whole numbers below it are written by their digits. */
const maxWhole = 2 ** 53
/** The call of `set` takes as long as so many bytes one by one. */
const longBytes = 32
const nothing = Buffer.from('null')

/**
 * Writes texts into slabs, piece by piece, each in a place that is never written again. An allocation of each tick's own (a string that is put
 * together and then encoded) takes three times as long, and as much again in garbage collection.
 */
export class ByteWriter {
  #slab = new Uint8Array(0)
  #at = 0
  #begin = 0

  /** Begins a piece of at most so many bytes. */
  begin(most: number): void {
    if (this.#slab.length - this.#at < most) {
      this.#slab = new Uint8Array(Buffer.allocUnsafeSlow(Math.max(slabBytes, most)).buffer)
      this.#at = 0
    }
    this.#begin = this.#at
  }

  /** Ends the piece. */
  end(): Uint8Array {
    return this.#slab.subarray(this.#begin, this.#at)
  }

  /** Bytes of the piece so far. */
  get length(): number {
    return this.#at - this.#begin
  }

  /** What was written of the piece after so many bytes. */
  since(length: number): Uint8Array {
    return this.#slab.subarray(this.#begin + length, this.#at)
  }

  byte(byte: number): void {
    this.#slab[this.#at++] = byte
  }

  bytes(bytes: Uint8Array): void {
    const { length } = bytes
    if (length > longBytes) this.#slab.set(bytes, this.#at)
    else for (let i = 0; i < length; i++) this.#slab[this.#at + i] = bytes[i] as number
    this.#at += length
  }

  /** From `start` to `end` of what is kept elsewhere. */
  part(bytes: Uint8Array, start: number, end: number): void {
    this.#slab.set(bytes.subarray(start, end), this.#at)
    this.#at += end - start
  }

  /** As JSON has it: `null` for what is no number, -0 as 0. The text is the one of `String(value)`. */
  number(value: number | null): void {
    if (value === null || !Number.isFinite(value)) {
      this.bytes(nothing)
      return
    }
    const size = value < 0 ? -value : value
    const whole = Math.floor(size)
    const isWhole = whole === size && size < maxWhole
    const thousandths = isWhole ? 0 : thousandthsOf(size, whole)
    if (!isWhole && thousandths === 0) {
      this.#ascii(String(value))
      return
    }
    if (value < 0) this.#slab[this.#at++] = minus
    this.#whole(whole)
    if (!isWhole) this.#fraction(thousandths)
  }

  /** Without the zeros behind it. */
  #fraction(thousandths: number): void {
    this.#slab[this.#at++] = point
    if (thousandths % 100 === 0) this.digits(thousandths / 100, 1)
    else if (thousandths % 10 === 0) this.digits(thousandths / 10, 2)
    else this.digits(thousandths, 3)
  }

  /** A whole number from 0. Its low nine digits and the rest are small integers, which V8 divides far faster. */
  #whole(value: number): void {
    if (value < digitsAPart) {
      this.digits(value, lengthOf(value))
      return
    }
    const high = Math.floor(value / digitsAPart)
    this.digits(high, lengthOf(high))
    this.digits(value - high * digitsAPart, 9)
  }

  /** A whole number from 0 below 10^9 in so many digits, with zeros in front. */
  digits(value: number, length: number): void {
    const slab = this.#slab
    let rest = value | 0
    for (let at = this.#at + length - 1; at >= this.#at; at--) {
      const next = (rest / 10) | 0
      slab[at] = zero + rest - next * 10
      rest = next
    }
    this.#at += length
  }

  #ascii(text: string): void {
    const slab = this.#slab
    for (let i = 0; i < text.length; i++) slab[this.#at++] = text.charCodeAt(i)
  }
}

/** What a number from 0 has behind its whole part, where that is 1 to 999 thousandths and nothing more; 0 where it is not. */
function thousandthsOf(size: number, whole: number): number {
  const scaled = Math.floor(size * 1000 + 0.5)
  return scaled < maxScaled && scaled / 1000 === size ? scaled - whole * 1000 : 0
}

function lengthOf(value: number): number {
  let length = 1
  for (let bound = 10; value >= bound; bound *= 10) length++
  return length
}
