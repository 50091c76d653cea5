/**
 * Random histories of the protocol from a seed, with executors played by the
 * test: answers that are lost, reports that come again or too late, executors
 * that die, changed limits, cancelations. After every step: nobody starts beyond
 * the limit, no attempt is begun twice, no work has two outcomes. In the end:
 * each has one, and nothing is left over.
 */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Attempt } from "./attempt.js";
import {
  ended,
  failure,
  type HandExecutor,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import { randomFrom } from "../../testing/random.js";
import type { Id } from "../_generated/dataModel.js";
import type { AttemptResult, ReportArgs } from "../executor/protocol.js";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test.each([1, 2, 3, 4, 5, 6, 51])("any history, seed %i", async (seed) => {
  const chaos = new Chaos(seed);
  await chaos.run(70);
  await chaos.end();
});

type Player = {
  hand: HandExecutor;
  /** What was given to it and has not ended, also in answers that were lost. */
  given: Map<number, Attempt>;
  /** What the executor would send again, and what it sent before. */
  unanswered: Partial<ReportArgs> | null;
  past: Partial<ReportArgs>[];
  seq: number;
};

/** A row serves one executor after the other. */
function nameOf(row: { _id: string; incarnation: number }): string {
  return `${row._id}, incarnation ${row.incarnation}`;
}
function playerName({ hand }: Pick<Player, "hand">): string {
  return nameOf({ _id: hand.id, incarnation: hand.start.incarnation });
}

class Chaos {
  private readonly pool = new ProtocolTest();
  private readonly random: (below: number) => number;
  private limit = 6;
  private readonly players = new Map<string, Player>();
  private readonly taken = new Set<string>();
  private readonly keys = new Map<string, Id<"work">>();
  private readonly begun = new Map<string, string>();

  constructor(seed: number) {
    this.random = randomFrom(seed);
    vi.spyOn(Math, "random").mockImplementation(() => this.random(1000) / 1000);
  }

  async run(steps: number): Promise<void> {
    await this.pool.setLimit(this.limit);
    for (let step = 0; step < steps; step++) {
      vi.setSystemTime(Date.now() + this.random(300));
      await this.step();
      await this.expectOneOutcomeEach();
    }
  }

  private async step(): Promise<void> {
    const player = [...this.players.values()][
      this.random(Math.max(1, this.players.size))
    ];
    switch (this.random(12)) {
      case 0:
      case 1:
        return await this.enqueue();
      case 2:
      case 3:
      case 4:
        return await this.tick();
      case 5:
        return await this.cancel();
      case 6:
        if (this.random(2) === 0) return await this.setLimit();
        return await this.guard();
      case 7:
        if (player && this.random(3) === 0) return await this.kill(player);
        if (player?.past.length) return await this.repeatAnOldReport(player);
        return;
      default:
        if (player) await this.report(player);
    }
  }

  private async enqueue(): Promise<void> {
    const items = Array.from({ length: 1 + this.random(6) }, () => {
      const key = `w${this.keys.size}`;
      this.keys.set(key, "" as Id<"work">);
      const retryBehavior = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };
      return job(
        "action",
        "act",
        { key },
        {
          ...recorded(key),
          ...(this.random(2) === 0 ? { retryBehavior } : {}),
        },
      );
    });
    const newKeys = [...this.keys.keys()].slice(-items.length);
    const ids = await this.pool.enqueue(items);
    newKeys.forEach((key, index) => this.keys.set(key, ids[index]!));
  }

  private async tick(): Promise<void> {
    await this.pool.tick();
    await this.takeNewExecutors();
  }

  private async guard(): Promise<void> {
    const [state] = await this.pool.rows("loopState");
    if (!state || state.watch === null) return;
    await this.pool.guard();
    await this.takeNewExecutors();
  }

  private async takeNewExecutors(): Promise<void> {
    for (const row of await this.pool.rows("executor")) {
      if (row.state.kind === "done" || this.taken.has(nameOf(row))) continue;
      const hand = await this.pool.takeExecutor(row._id);
      this.taken.add(nameOf(row));
      this.players.set(nameOf(row), {
        hand,
        given: new Map(hand.held),
        unanswered: null,
        past: [],
        seq: 0,
      });
      // What it was started with has begun by now.
      for (const attempt of hand.attempts()) this.noteBegun(hand, attempt);
      this.expectWithinLimit();
    }
  }

  private async cancel(): Promise<void> {
    const ids = [...this.keys.values()];
    if (ids.length > 0) await this.pool.cancel(ids[this.random(ids.length)]!);
  }

  private async setLimit(): Promise<void> {
    this.limit = this.random(14);
    await this.pool.setLimit(this.limit);
  }

  /** An executor's next report, or once more the one it got no answer to. */
  private async report(player: Player): Promise<void> {
    const { held } = player.hand;
    let args = player.unanswered;
    if (!args) {
      const results = [...held.values()]
        .filter(() => this.random(3) === 0)
        .map((attempt) => this.resultOf(attempt));
      for (const { position } of results) held.delete(position);
      args = {
        seq: player.seq++,
        results,
        holding: [...held.keys()],
        closing: this.random(8) === 0,
      };
    }
    const reply = await player.hand.send(args);
    player.past.push(args);
    for (const { position } of args.results!) player.given.delete(position);
    // A report may do the loop's turn.
    await this.takeNewExecutors();
    const fresh = reply.next.filter(
      ({ position }) => !player.given.has(position),
    );
    for (const attempt of fresh) player.given.set(attempt.position, attempt);
    if (fresh.length > 0) this.expectWithinLimit();
    if (this.random(4) === 0) {
      // The answer is lost on its way: nothing of it has begun.
      player.unanswered = args;
      return;
    }
    player.unanswered = null;
    const { done, next } = reply;
    for (const attempt of next) this.begin(player, attempt);
    if (done) {
      expect(player.hand.held.size).toBe(0);
      this.players.delete(playerName(player));
    }
  }

  private resultOf(attempt: Attempt): AttemptResult {
    switch (this.random(4)) {
      case 0:
        return ended(attempt, failure());
      case 1:
        return ended(attempt, { kind: "notStarted", error: "Overload" });
      default:
        return ended(attempt);
    }
  }

  private begin({ hand }: Player, attempt: Attempt): void {
    expect(hand.held.has(attempt.position)).toBe(false);
    this.noteBegun(hand, attempt);
    hand.held.set(attempt.position, attempt);
  }

  private noteBegun(hand: HandExecutor, attempt: Attempt): void {
    const name = `${attempt.workId} under fence ${attempt.fence}`;
    expect(this.begun.get(name)).toBeUndefined();
    this.begun.set(name, hand.id);
  }

  private expectWithinLimit(): void {
    let inFlight = 0;
    for (const { given } of this.players.values()) inFlight += given.size;
    expect(inFlight).toBeLessThanOrEqual(this.limit);
  }

  private async repeatAnOldReport({ hand, past }: Player): Promise<void> {
    // Its answer reaches nobody.
    await hand.send(past[this.random(past.length)]!);
  }

  private async kill(player: Player): Promise<void> {
    const { hand } = player;
    // It has left, and only the answer that said so was lost.
    const row = await hand.row();
    if (!row || row.state.kind === "done") return;
    if (nameOf(row) !== playerName(player)) return;
    if (this.random(3) === 0) {
      // It may go on, but Convex says that it was canceled.
      return await hand.becomes({ kind: "canceled" });
    }
    const states = [
      { kind: "failed" as const, error: "Out of memory" },
      { kind: "failed" as const, error: "Transient error while executing" },
      { kind: "success" as const },
      null,
    ];
    await hand.becomes(states[this.random(states.length)]!);
    this.players.delete(playerName(player));
    await this.guard();
    if (this.random(2) === 0) {
      // It was not dead after all: what it says now comes too late.
      const results = [...hand.held.values()].map((each) => ended(each));
      const reply = await hand.send({ seq: player.seq, results, holding: [] });
      expect(reply).toMatchObject({ next: [], done: true });
    }
  }

  private async expectOneOutcomeEach(): Promise<void> {
    for (const [key, results] of Object.entries(await this.pool.outcomes())) {
      expect([key, results.length]).toEqual([key, 1]);
    }
  }

  /** All executors report what they have and leave; then time passes. */
  async end(): Promise<void> {
    this.limit = 5;
    await this.pool.setLimit(this.limit);
    for (let round = 0; this.players.size > 0; round++) {
      expect(round).toBeLessThan(50);
      await this.tick();
      for (const { hand } of [...this.players.values()]) {
        const player = this.players.get(playerName({ hand }))!;
        const results = [...hand.held.values()].map((each) => ended(each));
        hand.held.clear();
        const seq = player.seq++;
        const { next, done } = await hand.send({
          seq,
          results,
          holding: [],
          closing: true,
        });
        player.given.clear();
        for (const attempt of next) {
          hand.held.set(attempt.position, attempt);
          player.given.set(attempt.position, attempt);
        }
        if (done) this.players.delete(playerName(player));
      }
    }
    await this.pool.drain();
    const outcomes = await this.pool.outcomes();
    expect(Object.keys(outcomes).sort()).toEqual([...this.keys.keys()].sort());
    await this.expectOneOutcomeEach();
    expect(await this.pool.liveWorks()).toEqual([]);
    for (const table of [
      "pendingStart",
      "running",
      "executor",
      "executorStats",
    ] as const) {
      expect([table, await this.pool.rows(table)]).toEqual([table, []]);
    }
  }
}
