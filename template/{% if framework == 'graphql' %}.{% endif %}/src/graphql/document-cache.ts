/** Keeps what was made of the documents that were seen last, in bounded memory. */

const MAX_DOCUMENTS = 500;
/** Longer documents are made anew each time: a few of them would outweigh all others. */
const MAX_LENGTH = 20_000;

/** As Yoga's parser cache wants it. */
export class DocumentCache<Value> {
  readonly #values = new Map<string, Value>();

  get(document: string): Value | undefined {
    const value = this.#values.get(document);
    if (value !== undefined) {
      this.#values.delete(document); // a map is ordered by insertion: this one was used last
      this.#values.set(document, value);
    }
    return value;
  }

  set(document: string, value: Value): this {
    if (document.length <= MAX_LENGTH) {
      this.#values.set(document, value);
      if (this.#values.size > MAX_DOCUMENTS) {
        const [oldest = ""] = this.#values.keys();
        this.#values.delete(oldest);
      }
    }
    return this;
  }
}
