import { describe, expect, test } from "vitest";
import { disagreementOf, takeNote } from "./declaration.js";
import { type ConfigState, type Declared, UNSET } from "./settings.js";
import { HOUR, MINUTE, SECOND } from "../shared.js";

const START = 1_700_000_000_000;
const A = { maxParallelism: 3 };
const B = { maxParallelism: 4 };
const C = { maxParallelism: 5 };

/** A row, and how often it was written. */
class Row {
  state: ConfigState = UNSET;
  writes = 0;
  now = START;

  declare(declared: Declared, passedMs = 0): this {
    this.now += passedMs;
    const change = takeNote(this.state, declared, this.now);
    if (Object.keys(change).length > 0) this.writes += 1;
    this.state = { ...this.state, ...change };
    return this;
  }
  get disagreement() {
    return disagreementOf(this.state, this.now);
  }
}

describe("one object", () => {
  test("is written once, however often it declares the same", () => {
    const row = new Row();
    for (let n = 0; n < 100; n++) row.declare(A, MINUTE);
    expect(row.writes).toBe(1);
    expect(row.state).toEqual({
      ...UNSET,
      declared: A,
      declaredAt: START + MINUTE,
    });
  });

  test("whose code has changed is taken over, and disagrees with nobody", () => {
    const row = new Row().declare(A).declare(B, MINUTE);
    expect(row.state.declared).toEqual(B);
    expect(row.disagreement).toBeNull();
  });

  test("whose code went back to what it was does not disagree either", () => {
    const row = new Row().declare(A).declare(B, 5 * MINUTE);
    row.declare(A, 5 * MINUTE);
    expect(row.state.declared).toEqual(A);
    expect(row.disagreement).toBeNull();
  });

  test("whose environment has changed just now disagrees with nobody", () => {
    const row = new Row().declare(A);
    row.declare({ ...A, environmentLogLevel: "INFO" }, SECOND);
    expect(row.disagreement).toBeNull();
    expect(row.writes).toBe(1);
  });
});

describe("two objects that disagree", () => {
  test("are noted as soon as both have declared within a minute", () => {
    const row = new Row().declare(A).declare(B, SECOND);
    expect(row.disagreement).toEqual({ declared: A, other: B, at: row.now });
    expect(row.state.declared).toEqual(A);
  });

  test("change the row once a minute at most, whatever they declare", () => {
    const row = new Row();
    const hours = 2;
    for (let n = 0; n < hours * 3600; n++)
      row.declare([A, B, C][n % 3]!, SECOND);
    expect(row.disagreement).not.toBeNull();
    // A note and a turn for the first minute, then a turn for each.
    expect(row.writes).toBeLessThanOrEqual(hours * 60 + 2);
  });

  test("are told from a changed app by taking turns, where they enqueue minutes apart", () => {
    const row = new Row().declare(A);
    for (const each of [B, A]) row.declare(each, 10 * MINUTE);
    expect(row.disagreement).toBeNull();
    row.declare(B, 10 * MINUTE);
    expect(row.disagreement).toEqual({ declared: B, other: A, at: row.now });
  });

  test("stay noted while they go on taking turns, and for an hour after", () => {
    const row = new Row().declare(A).declare(B, SECOND);
    for (let n = 0; n < 10; n++) {
      row.declare(n % 2 === 0 ? B : A, 30 * MINUTE);
      expect(row.disagreement).not.toBeNull();
    }
    // From now on both say the same.
    const agreed = row.state.declared;
    row.declare(agreed, HOUR - 1);
    expect(row.disagreement).not.toBeNull();
    row.declare(agreed, 1);
    expect(row.disagreement).toBeNull();
  });
});
