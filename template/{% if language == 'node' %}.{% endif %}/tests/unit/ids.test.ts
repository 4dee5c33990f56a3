/** UUIDv7: RFC 9562, section 5.7. */

import { describe, expect, it } from "vitest";

import { firstIdFrom, idGenerator, timeOf } from "../../src/domain/ids.ts";

const MOMENT = Date.UTC(2023, 10, 14, 22, 13, 20, 123);

describe("an id", () => {
  it("has the form of version 7", () => {
    const made = idGenerator({ clock: () => 0x0123456789ab })();
    expect(made).toMatch(/^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("is greater than the one before within a millisecond", () => {
    const newId = idGenerator({ clock: () => MOMENT });
    const made = Array.from({ length: 10_000 }, newId);
    expect(new Set(made).size).toBe(made.length);
    expect(made).toEqual(made.toSorted());
  });

  it("is greater than the one before when the clock steps back", () => {
    const times = [2_000, 1_000, 1_001, 2_001];
    const newId = idGenerator({ clock: () => times.shift() ?? 0 });
    const made = Array.from({ length: 4 }, newId);
    expect(made).toEqual(made.toSorted());
  });

  it("is of the next millisecond when the counter is full", () => {
    const newId = idGenerator({ clock: () => 1_000, firstCount: () => 2 ** 42 - 1 });
    const [before, after] = [newId(), newId()];
    expect(timeOf(before).getTime()).toBe(1_000);
    expect(timeOf(after).getTime()).toBe(1_001);
  });

  it("begins each millisecond in the lower half of the counter", () => {
    let now = 0;
    const newId = idGenerator({ clock: () => ++now });
    // The highest bit of the counter is the first after the version.
    expect(Array.from({ length: 1_000 }, () => newId().charAt(15)).join("")).toMatch(/^[0-7]+$/);
  });

  it("carries its millisecond", () => {
    expect(timeOf(idGenerator({ clock: () => MOMENT })())).toEqual(new Date(MOMENT));
  });
});

describe("a range of time is a range of ids", () => {
  it.each([-2, -1, 0, 1, 2])("at %i ms", (milliseconds) => {
    const made = idGenerator({ clock: () => MOMENT })();
    const bound = new Date(MOMENT + milliseconds);
    expect(made >= firstIdFrom(bound)).toBe(timeOf(made) >= bound);
  });

  it("that holds every id when it begins before 1970", () => {
    expect(firstIdFrom(new Date("0001-01-01T00:00:00Z"))).toBe(
      "00000000-0000-0000-0000-000000000000",
    );
  });
});
