/** Attempts from inside their handlers: what they call, when, and what they hear. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AttemptState } from "../component/beat.js";
import { encodeWire } from "../component/work/wire.js";
import { testWork } from "../test.js";
import { component } from "../testing/app.js";
import {
  type Attempt,
  AttemptAbortedError,
  attachTo,
  type AbortKind,
} from "./attempt.js";
import type { ActionCtx } from "./context.js";
import type { ThisWork } from "./late.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** The action's calls: beats with what they said, and "listen". */
class Calls {
  readonly made: unknown[] = [];
  state: AttemptState = "goesOn";
  /** Calls end when this does. */
  until: Promise<unknown> = Promise.resolve();
  fails = false;

  readonly ctx = {
    runAction: async () => null,
    runQuery: async () => await this.answer("listen"),
    runMutation: async (_: unknown, { progress, step }: any) =>
      await this.answer({ progress, step }),
  } as unknown as ActionCtx;

  private async answer(call: unknown): Promise<AttemptState> {
    this.made.push(call);
    await this.until;
    if (this.fails) throw new Error("too busy");
    return this.state;
  }
}

const work = (deadline: number | null = null) =>
  encodeWire({ id: "w", number: 2, fence: 1, deadline }) as ThisWork;

let calls: Calls;
beforeEach(() => void (calls = new Calls()));

/** Attached until the test says so. */
async function attached(
  wire = work(),
): Promise<{ attempt: Attempt; end: () => Promise<void> }> {
  let finish!: () => void;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  let attempt!: Attempt;
  const done = attachTo(component, calls.ctx, wire, async (own) => {
    attempt = own;
    await finished;
  });
  await Promise.resolve();
  return {
    attempt,
    end: async () => {
      finish();
      await done;
    },
  };
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const kindOf = ({ signal }: Attempt): AbortKind =>
  (signal.reason as AttemptAbortedError).kind;

describe("an attached handler", () => {
  test("knows its attempt", async () => {
    const { attempt, end } = await attached(work(Date.now() + 5_000));
    expect(attempt).toMatchObject({
      id: "w",
      number: 2,
      deadline: Date.now() + 5_000,
    });
    expect(attempt.signal.aborted).toBe(false);
    await end();
  });

  test("of less than ten seconds calls nothing", async () => {
    const { end } = await attached();
    await pass(9_900);
    await end();
    expect(calls.made).toEqual([]);
  });

  test("listens every ten seconds", async () => {
    const { end } = await attached();
    await pass(35_000);
    expect(calls.made).toEqual(["listen", "listen", "listen"]);
    await end();
  });

  test("leaves no timer behind, and no call under way", async () => {
    let answer!: () => void;
    calls.until = new Promise<void>((resolve) => (answer = resolve));
    const { attempt, end } = await attached(work(Date.now() + 60_000));
    await attempt.heartbeat();
    await attempt.heartbeat({ step: "later" });
    let ended = false;
    const ending = end().then(() => (ended = true));
    await pass(100);
    expect(ended).toBe(false);
    answer();
    await ending;
    expect(vi.getTimerCount()).toBe(0);
    await pass(60_000);
    expect(calls.made).toHaveLength(1);
    await attempt.heartbeat();
    expect(calls.made).toHaveLength(1);
  });

  test("leaves no timer behind when it throws, and what it throws is thrown", async () => {
    const attempt = attachTo(component, calls.ctx, work(9e12), async () => {
      throw new Error("no luck");
    });
    await expect(attempt).rejects.toThrow("no luck");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("returns what it returns", async () => {
    expect(await attachTo(component, calls.ctx, work(), () => 7)).toBe(7);
  });

  test("outlives calls that fail", async () => {
    calls.fails = true;
    const { attempt, end } = await attached();
    await attempt.heartbeat();
    await pass(25_000);
    expect(attempt.signal.aborted).toBe(false);
    expect(calls.made.length).toBeGreaterThan(2);
    await end();
  });

  test("with a testWork calls nobody, and can be aborted by its deadline alone", async () => {
    const wire = testWork({ deadline: Date.now() + 30_000 });
    const { attempt, end } = await attached(wire);
    await attempt.heartbeat({ progress: 1 });
    await pass(29_000);
    expect(attempt.signal.aborted).toBe(false);
    await pass(1_000);
    expect(kindOf(attempt)).toBe("timedOut");
    await end();
    expect(calls.made).toEqual([]);
  });
});

describe("a heartbeat", () => {
  test("resolves at once, whatever its call does", async () => {
    calls.until = new Promise(() => {});
    const { attempt } = await attached();
    await attempt.heartbeat({ progress: 0.5 });
    await attempt.heartbeat({ progress: 0.6 });
    expect(calls.made).toEqual([{ progress: 0.5, step: undefined }]);
  });

  test("calls once a second at most, and what is said in between goes with the next", async () => {
    const { attempt, end } = await attached();
    for (let n = 0; n < 30; n++) {
      await attempt.heartbeat({ progress: n / 30, step: `page ${n}` });
      await pass(100);
    }
    await pass(1_000);
    expect(calls.made).toEqual([
      { progress: 0, step: "page 0" },
      { progress: 9 / 30, step: "page 9" },
      { progress: 19 / 30, step: "page 19" },
      { progress: 29 / 30, step: "page 29" },
    ]);
    await end();
  });

  test("joins the progress of one with the step of another", async () => {
    const { attempt, end } = await attached();
    await attempt.heartbeat();
    await attempt.heartbeat({ progress: 0.5 });
    await attempt.heartbeat({ step: "b" });
    await pass(1_000);
    expect(calls.made[1]).toEqual({ progress: 0.5, step: "b" });
    await end();
  });

  test("puts off listening, which it does as well", async () => {
    const { attempt, end } = await attached();
    await pass(8_000);
    await attempt.heartbeat({ step: "a" });
    await pass(9_000);
    expect(calls.made).toEqual([{ progress: undefined, step: "a" }]);
    await pass(2_000);
    expect(calls.made).toHaveLength(2);
    await end();
  });

  test.each([
    [{ progress: 1.1 }, "progress must be a number from 0 to 1, not 1.1."],
    [{ progress: NaN }, "progress must be"],
    [{ step: "" }, "step must be a string of 1 to 1000 characters"],
    [{ message: "hi" }, 'heartbeat has no option "message"'],
    [{ pogress: 1 }, 'Did you mean "progress"?'],
    [0.5, "The options of heartbeat must be an object, not 0.5."],
    [null, "The options of heartbeat must be an object, not null."],
  ])("of %j is refused", async (beat, message) => {
    const { attempt, end } = await attached();
    await expect(attempt.heartbeat(beat as any)).rejects.toThrow(message);
    await end();
    expect(calls.made).toEqual([]);
  });
});

describe("an attempt is aborted, and heartbeat throws why,", () => {
  test.each(["canceled", "superseded"] as const)(
    "when it hears that it is %s by listening",
    async (state) => {
      const { attempt, end } = await attached();
      calls.state = state;
      await pass(10_000);
      expect(kindOf(attempt)).toBe(state);
      await expect(attempt.heartbeat()).rejects.toBe(attempt.signal.reason);
      await pass(60_000);
      expect(calls.made).toEqual(["listen"]);
      await end();
    },
  );

  test("when it hears so by a heartbeat", async () => {
    const { attempt, end } = await attached();
    calls.state = "canceled";
    await attempt.heartbeat();
    await pass(0);
    await expect(attempt.heartbeat()).rejects.toThrow("The work was canceled.");
    expect(attempt.signal.reason).toBeInstanceOf(AttemptAbortedError);
    await end();
  });

  test("when its deadline passes", async () => {
    const { attempt, end } = await attached(work(Date.now() + 3_000));
    await pass(2_900);
    expect(attempt.signal.aborted).toBe(false);
    await pass(100);
    expect(kindOf(attempt)).toBe("timedOut");
    await end();
  });
});

describe("attach refuses", () => {
  test("the ctx of a mutation", async () => {
    const ctx = { runMutation: () => {}, runQuery: () => {} };
    await expect(
      attachTo(component, ctx as any, work(), () => 1),
    ).rejects.toThrow("attach needs the ctx of an action");
  });

  test("what was not enqueued as thisWork", async () => {
    await expect(
      attachTo(component, calls.ctx, "abc" as ThisWork, () => 1),
    ).rejects.toThrow("An attempt is attached to by the argument");
  });

  test("a body that is no function", async () => {
    await expect(
      attachTo(component, calls.ctx, work(), {} as any),
    ).rejects.toThrow("The third argument of attach must be a function");
  });
});
