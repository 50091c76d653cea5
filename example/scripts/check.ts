/**
 * Compares what the receivers saw with what Relay recorded. Pure: everything it
 * judges is passed in.
 */
import type { SentEvent } from "../github/sender.js";
import { flakyFailures, staysSilentAtFirst } from "../receivers/behavior.js";
import { counted, deliveries } from "../src/words.js";
import { subscribes, type Receiver } from "../receivers/roster.js";
import type { Seen } from "../receivers/server.js";

/** What Relay says of one delivery. */
export interface Recorded {
  endpoint: string;
  guid: string;
  phase: string;
  attempts: number;
  error?: string;
}

export interface ReceiverReport {
  receiver: string;
  expected: number;
  delivered: number;
  failed: number;
  attempts: number;
  requests: number;
  problems: string[];
}

export function expectedAt(
  receiver: Receiver,
  sent: readonly SentEvent[],
): SentEvent[] {
  return sent.filter(({ name }) => subscribes(receiver, name));
}

export function compare(
  receiver: Receiver,
  sent: readonly SentEvent[],
  recorded: readonly Recorded[],
  seen: ReadonlyMap<string, Readonly<Seen>>,
): ReceiverReport {
  const problems: string[] = [];
  const expected = expectedAt(receiver, sent);
  const mine = recorded.filter(({ endpoint }) => endpoint === receiver.name);
  const byGuid = groupByGuid(mine);
  for (const { guid } of expected) {
    const found = byGuid.get(guid) ?? [];
    if (found.length !== 1) {
      problems.push(
        `${guid}: recorded ${counted(found.length, "time")}, not once`,
      );
      continue;
    }
    const webhookId = `${guid}.${receiver.name}`;
    const problem = judge(receiver, webhookId, found[0]!, seen.get(webhookId));
    if (problem) {
      problems.push(`${guid}: ${problem}`);
    }
  }
  if (mine.length !== expected.length) {
    problems.push(
      `${deliveries(mine.length)} recorded, ${expected.length} expected`,
    );
  }
  if (seen.size !== expected.length) {
    problems.push(`${deliveries(seen.size)} seen, ${expected.length} expected`);
  }
  return {
    receiver: receiver.name,
    expected: expected.length,
    delivered: mine.filter(({ phase }) => phase === "success").length,
    failed: mine.filter(({ phase }) => phase === "failed").length,
    attempts: sum(mine.map(({ attempts }) => attempts)),
    requests: sum(Array.from(seen.values(), ({ requests }) => requests)),
    problems,
  };
}

/** What is wrong with this delivery, if anything. */
function judge(
  receiver: Receiver,
  webhookId: string,
  delivery: Recorded,
  seen: Readonly<Seen> | undefined,
): string | undefined {
  if (!seen) {
    return "the receiver never saw it";
  }
  if (seen.badSignatures > 0) {
    return `${counted(seen.badSignatures, "request")} with a bad signature`;
  }
  if (delivery.attempts !== seen.requests) {
    return `${counted(delivery.attempts, "attempt")} recorded, ${seen.requests} seen`;
  }
  const fails = receiver.behavior === "gone";
  const phase = fails ? "failed" : "success";
  if (delivery.phase !== phase) {
    return `ended as ${delivery.phase}, not ${phase}: ${delivery.error}`;
  }
  if (fails && !delivery.error?.includes("410")) {
    return `failed for the wrong reason: ${delivery.error}`;
  }
  const accepted = fails ? 0 : 1;
  if (seen.accepted !== accepted) {
    return `accepted ${counted(seen.accepted, "time")}, not ${accepted}`;
  }
  const attempts = expectedAttempts(receiver, webhookId);
  if (attempts !== undefined && delivery.attempts !== attempts) {
    return `took ${counted(delivery.attempts, "attempt")}, not ${attempts}`;
  }
  return undefined;
}

/** Undefined where it depends on when the receiver came back. */
function expectedAttempts(
  { behavior }: Receiver,
  webhookId: string,
): number | undefined {
  switch (behavior) {
    case "healthy":
    case "gone":
      return 1;
    case "slow":
      return staysSilentAtFirst(webhookId) ? 2 : 1;
    case "flaky":
      return 1 + flakyFailures(webhookId);
    case "down":
      return undefined;
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function groupByGuid(recorded: Recorded[]): Map<string, Recorded[]> {
  const groups = new Map<string, Recorded[]>();
  for (const delivery of recorded) {
    groups.set(delivery.guid, [...(groups.get(delivery.guid) ?? []), delivery]);
  }
  return groups;
}
