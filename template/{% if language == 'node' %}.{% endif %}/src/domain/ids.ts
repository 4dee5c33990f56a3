/**
 * UUIDv7 identifiers (RFC 9562, section 5.7): unique, and ordered by the time of their making.
 *
 * Time order is what makes a list pageable by id alone, and keeps index inserts at the right-hand
 * edge. Ids are strings in lower case, so their order as text is their order in time.
 */

import { randomInt } from "node:crypto";

const COUNTER_END = 2 ** 42;
const VARIANT = 0x8000_0000;

/** What a generator takes from the world. */
export interface IdSources {
  /** Unix time in whole milliseconds. */
  readonly clock: () => number;
  /** Where the counter of a millisecond begins: at most 41 bits, so half the range is left. */
  readonly firstCount: () => number;
}

const WORLD: IdSources = {
  clock: Date.now,
  firstCount: () => randomInt(2 ** 41),
};

/**
 * A maker of strictly increasing UUIDv7 values, also within a millisecond and when the clock steps
 * back.
 *
 * Layout: 48 bits of Unix milliseconds, then a 42-bit counter that starts at a random 41-bit value
 * each millisecond (RFC 9562, section 6.2, method 1), then 32 random bits.
 */
export function idGenerator(sources: Partial<IdSources> = {}): () => string {
  const { clock, firstCount } = { ...WORLD, ...sources };
  let millisecond = 0;
  let count = 0;
  return () => {
    const now = clock();
    if (now > millisecond) {
      millisecond = now;
      count = firstCount();
    } else if (++count === COUNTER_END) {
      millisecond += 1;
      count = firstCount();
    }
    const time = hex(millisecond, 12);
    const high = hex(Math.floor(count / 2 ** 30), 3);
    const low = hex(VARIANT + (count % 2 ** 30), 8);
    const random = hex(randomInt(2 ** 32), 8); // from a store of random bytes, as Node keeps one
    return `${time.slice(0, 8)}-${time.slice(8)}-7${high}-${low.slice(0, 4)}-${low.slice(4)}${random}`;
  };
}

/** The next identifier of this process. */
export const newId = idGenerator();

/** The millisecond in which a UUIDv7 was made. */
export function timeOf(id: string): Date {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}

/** The bound that an id is not below exactly when its `timeOf` is not before `moment`. */
export function firstIdFrom(moment: Date): string {
  const time = hex(Math.max(moment.getTime(), 0), 12);
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
