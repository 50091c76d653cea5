/**
 * How an attempt is told who it is: a text in the place of the argument that was enqueued as
 * `thisWork`. It has all that attaching needs, so that attaching costs no call. It is no secret, and
 * proves nothing: what an attempt is worth says the fence of its work. Pure.
 */
import { show } from "../refusal.js";
import type { LateArgs } from "../shared.js";

export type Wire = {
  /** Of the work. */
  id: string;
  /** Which attempt it is, from 1 on. */
  number: number;
  fence: number;
  /** When it should have ended, by its `timeoutMs`. Null: it declared none. */
  deadline: number | null;
};

const PREFIX = "workpool";
const VERSION = "1";

/** What a text adds to the arguments, at most. */
export const WIRE_BYTES = 120;

export function encodeWire({ id, number, fence, deadline }: Wire): string {
  return [PREFIX, VERSION, id, number, fence, deadline ?? ""].join(":");
}

/** @throws when `text` is none, or of a version to come. */
export function decodeWire(text: unknown): Wire {
  const parts = typeof text === "string" ? text.split(":") : [];
  const [prefix, version, id = "", number, fence, deadline] = parts;
  if (prefix === PREFIX && version !== undefined && version !== VERSION) {
    throw new Error(
      `This attempt was begun by another version of convex-workpool (${show(version)}), whose attempts this one does not understand.`,
    );
  }
  const isOne =
    prefix === PREFIX &&
    parts.length === 6 &&
    id !== "" &&
    [number, fence].every((part) => /^\d+$/.test(part!)) &&
    /^(\d+(\.\d+)?)?$/.test(deadline!);
  if (!isOne) {
    throw new Error(
      `An attempt is attached to by the argument that was enqueued as thisWork and that vThisWork validates, not by ${show(text)}.`,
    );
  }
  return {
    id,
    number: Number(number),
    fence: Number(fence),
    deadline: deadline === "" ? null : Number(deadline),
  };
}

/** The arguments, with those filled in that were late. */
export function fillIn(args: unknown, late: LateArgs, wire: Wire): unknown {
  const filled = { ...(args as Record<string, unknown>) };
  for (const name of Object.keys(late)) filled[name] = encodeWire(wire);
  return filled;
}

/** Of no work: tests of handlers get one, and nobody is called for it. */
const TEST_ID = "testWork";

export function testWire(changes: Partial<Omit<Wire, "id" | "fence">>): string {
  return encodeWire({
    number: 1,
    deadline: null,
    ...changes,
    id: TEST_ID,
    fence: 0,
  });
}

export function isTestWire({ id }: Wire): boolean {
  return id === TEST_ID;
}
