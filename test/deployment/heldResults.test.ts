/** Results that cannot be reported for a while: an executor holds so many bytes of them, and no more. */
import { expect, test } from "vitest";
import { keys } from "../../sim/works.js";
import {
  all,
  countByKey,
  expectAtRest,
  failedMutations,
} from "./invariants.js";
import { carry } from "./largeWorks.js";
import { type Row, Simulation } from "./simulation.js";

const RESULT_BYTES = 200_000;
const MOST_BYTES = 12_000_000;
/** Shared by four executors: the results of what each runs at once do not fit its memory. */
const LIMIT = 300;
/** For so long, reports do not get through. */
const TROUBLE_MS = 20_000;

/** Bytes of results that each executor holds: of works that ended there, until their outcome is recorded. */
class Held {
  private readonly executorOf = new Map<string, string>();
  private readonly bytes = new Map<string, number>();
  most = 0;
  /** Works that began where too much was held. */
  readonly tooEarly: string[] = [];

  constructor(simulation: Simulation) {
    simulation.handlers.onEnd = ({ key, executor }) => {
      this.executorOf.set(key, executor!);
      this.add(executor!, RESULT_BYTES);
    };
    simulation.handlers.onBegin = ({ key, executor }) => {
      if ((this.bytes.get(executor!) ?? 0) > MOST_BYTES) {
        this.tooEarly.push(key);
      }
    };
    simulation.onCommit(({ writes }) => {
      for (const { table, before, after } of writes) {
        if (table !== "outcomes" || before !== null) continue;
        const { key } = after!.value as unknown as Row;
        this.add(this.executorOf.get(key)!, -RESULT_BYTES);
      }
    });
  }

  private add(executor: string, bytes: number): void {
    const sum = (this.bytes.get(executor) ?? 0) + bytes;
    this.bytes.set(executor, sum);
    this.most = Math.max(this.most, sum);
  }
}

test.each(["are slow", "fail"])(
  "300 slots of actions that return 200 kB each, while reports %s",
  async (trouble) => {
    let until = 0;
    const inTrouble = () => simulation.now() < until;
    const simulation = await Simulation.open({
      slowMs: (name) =>
        trouble === "are slow" && name.startsWith("executor/report")
          ? 5_000
          : 0,
      contest: {
        loses: () => trouble === "fail" && inTrouble(),
        losesReply: () => false,
      },
    });
    await simulation.setLimit(LIMIT);
    const held = new Held(simulation);
    const names = keys(400);
    for (let start = 0; start < names.length; start += 100) {
      await simulation.enqueueTogether(
        ...names.slice(start, start + 100).map((key, index) => ({
          ...carry(key, { resultBytes: RESULT_BYTES, ms: 200 + 10 * index }),
          onComplete: "recordSize",
          context: { key, padding: "" },
        })),
      );
    }
    until = simulation.now() + TROUBLE_MS;
    await simulation.drain();
    // The first ones began before anybody knew how much they return.
    expect(held.most).toBeGreaterThan(5_000_000);
    expect(held.tooEarly).toEqual([]);
    expect(countByKey(simulation.rows("outcomes"))).toEqual(all(names, 1));
    expect(countByKey(simulation.handlers.begun as any)).toEqual(all(names, 1));
    const sizes = simulation.rows("outcomes").map(({ result }) => result.size);
    expect(new Set(sizes)).toEqual(new Set([RESULT_BYTES]));
    expect(failedMutations(simulation)).toEqual([]);
    expectAtRest(simulation);
  },
);
