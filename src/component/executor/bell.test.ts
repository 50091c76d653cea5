import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Bell } from "./bell.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Whether a wait is over by now. */
async function isOver(wait: Promise<void>): Promise<boolean> {
  let over = false;
  void wait.then(() => (over = true));
  await vi.advanceTimersByTimeAsync(0);
  return over;
}

test("a wait ends when the bell rings", async () => {
  const bell = new Bell();
  const wait = bell.wait();
  expect(await isOver(wait)).toBe(false);
  bell.ring();
  expect(await isOver(wait)).toBe(true);
});

test("a ring before the wait is heard, once", async () => {
  const bell = new Bell();
  bell.ring();
  bell.ring();
  expect(await isOver(bell.wait())).toBe(true);
  expect(await isOver(bell.wait())).toBe(false);
});

test("a wait with a time limit ends with it, and leaves no timer behind when it rang", async () => {
  const bell = new Bell();
  const wait = bell.wait(100);
  await vi.advanceTimersByTimeAsync(99);
  expect(await isOver(wait)).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await isOver(wait)).toBe(true);

  const next = bell.wait(100);
  bell.ring();
  await next;
  expect(vi.getTimerCount()).toBe(0);
});
