import { expect, test } from "vitest";
import {
  MortalClock,
  SeededRandomness,
  SystemRandomness,
  VirtualClock,
  WallClock,
} from "../src/clock.js";

test("a virtual clock fires timers in the order of their times, then of their setting", async () => {
  const clock = new VirtualClock(1_000);
  const fired: string[] = [];
  clock.schedule(20, () => fired.push(`late at ${clock.now()}`));
  clock.schedule(10, () => fired.push(`a at ${clock.now()}`));
  clock.schedule(10, () => fired.push(`b at ${clock.now()}`));
  clock.schedule(5, () => fired.push("canceled")).cancel();
  clock.schedule(-5, () => fired.push(`past at ${clock.now()}`));
  expect(fired).toEqual([]);
  await clock.advance(15);
  expect(fired).toEqual(["past at 1000", "a at 1010", "b at 1010"]);
  expect(clock.now()).toBe(1_015);
  expect(clock.pendingTimers).toBe(1);
  await clock.runUntilIdle();
  expect(fired.at(-1)).toBe("late at 1020");
  expect(clock.pendingTimers).toBe(0);
});

test("a virtual clock lets what a timer started settle before the next timer", async () => {
  const clock = new VirtualClock(0);
  const seen: string[] = [];
  const worker = async (name: string) => {
    for (let i = 0; i < 3; i++) {
      await clock.sleep(10);
      seen.push(`${name}${i}@${clock.now()}`);
    }
  };
  void worker("a");
  void worker("b");
  expect(await clock.runUntilIdle({ maxMs: 25 })).toBe(4);
  expect(seen).toEqual(["a0@10", "b0@10", "a1@20", "b1@20"]);
  await clock.runUntilIdle({ done: () => seen.length === 5 });
  expect(seen.at(-1)).toBe("a2@30");
});

test("the wall clock agrees with the machine and never goes back", () => {
  const clock = new WallClock();
  let last = clock.nowNs();
  for (let i = 0; i < 1_000; i++) {
    const now = clock.nowNs();
    expect(now >= last).toBe(true);
    last = now;
  }
  const before = Date.now();
  const now = clock.now();
  const after = Date.now();
  // It follows the machine's clock once they are a second apart.
  expect(now).toBeGreaterThanOrEqual(before - 1_000);
  expect(now).toBeLessThanOrEqual(after + 1_000);
});

test("a wall clock's timer fires once, and not when canceled", async () => {
  const clock = new WallClock();
  let fired = 0;
  clock.schedule(0, () => fired++).cancel();
  clock.schedule(2 ** 40, () => fired++).cancel();
  await new Promise<void>((resolve) => {
    clock.schedule(0, () => {
      fired++;
      resolve();
    });
    expect(fired).toBe(0);
  });
  await clock.sleep(0);
  expect(fired).toBe(1);
});

test("seeded randomness repeats itself, and is spread out", () => {
  const draw = (seed: number) => {
    const random = new SeededRandomness(seed);
    return [random.next(), ...random.bytes(5), random.next()];
  };
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
  const random = new SeededRandomness(3);
  const numbers = Array.from({ length: 10_000 }, () => random.next());
  expect(numbers.every((x) => x >= 0 && x < 1)).toBe(true);
  const mean = numbers.reduce((a, b) => a + b) / numbers.length;
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
});

test("system randomness is in range", () => {
  const random = new SystemRandomness();
  expect(random.bytes(7)).toHaveLength(7);
  const x = random.next();
  expect(x >= 0 && x < 1).toBe(true);
});

test("after its death, nothing happens that a process waited for", async () => {
  const clock = new VirtualClock(0);
  const mortal = new MortalClock(clock);
  const seen: string[] = [];
  mortal.schedule(10, () => seen.push("before"));
  mortal.schedule(30, () => seen.push("after"));
  void mortal.sleep(30).then(() => seen.push("slept"));
  await clock.advance(20);
  expect(mortal.isAlive).toBe(true);
  mortal.die();
  await clock.advance(20);
  expect(mortal.isAlive).toBe(false);
  expect(seen).toEqual(["before"]);
});
