import { Fault, transient } from '../../crds/contract/fault.ts'

/**
 * The simulator's wire format, little-endian: u32 length of the rest, u8 type, payload. Requests and answers are JSON
 * (`message.ts`); a tick has a fixed layout (`tickrecord.ts`), so that one encoding serves every session and costs no parse.
 */
export const frameTypes = { control: 1, tick: 2, heartbeat: 3 } as const

/** No frame is longer; a longer one is a bad packet. A request names at most 20,000 instruments. */
export const maxFrameBytes = 2 * 1024 * 1024

const headerBytes = 5

export function controlFrame(message: object): Buffer {
  const payload = Buffer.from(JSON.stringify(message))
  const frame = Buffer.allocUnsafe(headerBytes + payload.length)
  frame.writeUInt32LE(payload.length + 1, 0)
  frame.writeUInt8(frameTypes.control, 4)
  payload.copy(frame, headerBytes)
  return frame
}

export function heartbeatFrame(): Buffer {
  return Buffer.from([1, 0, 0, 0, frameTypes.heartbeat])
}

export type FrameHandlers = {
  control(message: unknown): void
  /** `offset` is where the frame begins, its length included; the bytes belong to the reader and change after the call. */
  tick(view: DataView, offset: number): void
}

/**
 * Cuts a byte stream into frames. `push` throws a transient Fault `BadPacket` at bytes that are no frame; the stream is of no use
 * after that. What a handler throws passes through.
 */
export class FrameReader {
  readonly #handlers: FrameHandlers
  readonly #tickBytes: number
  #rest: Buffer = Buffer.alloc(0)

  constructor(tickBytes: number, handlers: FrameHandlers) {
    this.#tickBytes = tickBytes
    this.#handlers = handlers
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    let at = 0
    while (bytes.length - at >= headerBytes) {
      const end = at + 4 + checkedLength(view.getUint32(at, true))
      if (end > bytes.length) break
      this.#frame(bytes, view, at, end)
      at = end
    }
    this.#rest = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at))
  }

  #frame(bytes: Buffer, view: DataView, at: number, end: number): void {
    const type = view.getUint8(at + 4)
    if (type === frameTypes.tick) {
      if (end - at !== this.#tickBytes) throw badPacket(`a tick frame has ${end - at} bytes instead of ${this.#tickBytes}`)
      this.#handlers.tick(view, at)
    } else if (type === frameTypes.control) {
      this.#handlers.control(parsed(bytes.toString('utf8', at + headerBytes, end)))
    } else if (type !== frameTypes.heartbeat) {
      throw badPacket(`unknown frame type ${type}`)
    }
  }
}

function checkedLength(length: number): number {
  if (length < 1 || length > maxFrameBytes) throw badPacket(`a frame of ${length} bytes is outside 1 to ${maxFrameBytes}`)
  return length
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw badPacket('a control frame is not JSON', error)
  }
}

export function badPacket(message: string, cause?: unknown): Fault {
  return transient('BadPacket', message, cause)
}

/** Whether an error is the stream's own; any other comes from a handler. */
export function isBadPacket(error: unknown): boolean {
  return error instanceof Fault && error.reason === 'BadPacket'
}
