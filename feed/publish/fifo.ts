/** A queue of one value now and then keeps the place that it has; a burst's is given back. */
const kept = 64
const compactAt = 1024

/** First in, first out, in constant time. An array's own `shift` moves every element that is left. */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0
  #end = 0

  get length(): number {
    return this.#end - this.#head
  }

  push(item: T): void {
    this.#items[this.#end++] = item
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.length === 0) this.#rewind()
    else if (this.#head >= compactAt && this.#head * 2 >= this.#end) this.#compact()
    return item
  }

  #rewind(): void {
    this.#head = this.#end = 0
    if (this.#items.length > kept) this.#items = []
  }

  #compact(): void {
    this.#items = this.#items.slice(this.#head, this.#end)
    this.#end -= this.#head
    this.#head = 0
  }
}
