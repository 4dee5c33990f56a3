/** Token buckets. */

import { expect, test } from "vitest";

import { TokenBuckets } from "../../src/rate-limit.ts";

/** Seconds that pass only when told to. */
class Clock {
  now = 1000;
  readonly read = () => this.now;
}

test("a bucket gives its capacity at once and then refills", () => {
  const clock = new Clock();
  const buckets = new TokenBuckets({ capacity: 3, perSecond: 0.5, clock: clock.read });
  const take = () => buckets.tryTake("a");
  expect([take(), take(), take()]).toEqual([0, 0, 0]);
  expect(take()).toBe(2);
  clock.now += 1;
  expect(take()).toBe(1);
  clock.now += 1;
  expect(take()).toBe(0);
  clock.now += 1000;
  expect([take(), take(), take(), take()].map((wait) => wait > 0)).toEqual([
    false,
    false,
    false,
    true,
  ]);
});

test("looking takes nothing", () => {
  const buckets = new TokenBuckets({ capacity: 1, perSecond: 1, clock: new Clock().read });
  const look = () => buckets.secondsToWait("a");
  expect([look(), look(), look()]).toEqual([0, 0, 0]);
  expect(buckets.tryTake("a")).toBe(0);
  expect(look()).toBe(1);
});

test("keys do not share", () => {
  const buckets = new TokenBuckets({ capacity: 1, perSecond: 1, clock: new Clock().read });
  expect(buckets.tryTake("a")).toBe(0);
  expect(buckets.tryTake("b")).toBe(0);
  expect(buckets.tryTake("a")).toBeGreaterThan(0);
});

test("memory is bounded, and the key that was used longest ago is forgotten", () => {
  const buckets = new TokenBuckets({
    capacity: 1,
    perSecond: 1,
    maxKeys: 100,
    clock: new Clock().read,
  });
  for (let number = 0; number < 1000; number++) buckets.tryTake(String(number));
  expect(buckets.size).toBe(100);
  expect(buckets.secondsToWait("0")).toBe(0);
  expect(buckets.secondsToWait("999")).toBeGreaterThan(0);
});
