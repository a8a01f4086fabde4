const compactAt = 1024

/** First in, first out, in constant time. An array's own `shift` moves every element that is left. */
export class Fifo<T> {
  #items: T[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined
    const item = this.#items[this.#head++]
    if (this.length === 0) this.#items.length = this.#head = 0
    else if (this.#head >= compactAt && this.#head * 2 >= this.#items.length) this.#compact()
    return item
  }

  #compact(): void {
    this.#items = this.#items.slice(this.#head)
    this.#head = 0
  }
}
