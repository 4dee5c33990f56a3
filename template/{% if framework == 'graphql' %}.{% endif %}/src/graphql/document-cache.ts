/** Keeps what was made of the documents that were seen last, in bounded memory. */

const MAX_DOCUMENTS = 500;
/** Longer documents are made anew each time: a few of them would outweigh all others. */
const MAX_LENGTH = 20_000;
/** Of all documents together. A parsed one takes up to some 200 bytes a character. */
const MAX_CHARACTERS = 250_000;

/** As Yoga's parser cache wants it. */
export class DocumentCache<Value> {
  readonly #values = new Map<string, Value>();
  #characters = 0;

  get(document: string): Value | undefined {
    const value = this.#values.get(document);
    if (value !== undefined) {
      this.#values.delete(document); // a map is ordered by insertion: this one was used last
      this.#values.set(document, value);
    }
    return value;
  }

  set(document: string, value: Value): this {
    if (document.length > MAX_LENGTH) {
      return this;
    }
    this.#forget(document);
    this.#values.set(document, value);
    this.#characters += document.length;
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= MAX_DOCUMENTS && this.#characters <= MAX_CHARACTERS) {
        break;
      }
      this.#forget(oldest);
    }
    return this;
  }

  #forget(document: string): void {
    if (this.#values.delete(document)) {
      this.#characters -= document.length;
    }
  }
}
