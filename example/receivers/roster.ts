/** The receivers of the demo: who listens to what, and how well. */
import type { Behavior } from "./behavior.js";

export interface Receiver {
  name: string;
  /** GitHub event names, or `"*"` for all of them. */
  events: string[];
  behavior: Behavior;
  /** How long Relay waits for an answer. */
  timeoutMs: number;
}

export const roster: Receiver[] = [
  {
    name: "audit-log",
    events: ["*"],
    behavior: "healthy",
    timeoutMs: 10_000,
  },
  {
    name: "search-index",
    events: ["issues", "issue_comment", "pull_request", "push", "release"],
    behavior: "slow",
    timeoutMs: 5_000,
  },
  {
    name: "chat-alerts",
    events: ["*"],
    behavior: "flaky",
    timeoutMs: 10_000,
  },
  {
    name: "ci-dashboard",
    events: [
      "check_run",
      "check_suite",
      "deployment",
      "deployment_status",
      "push",
      "status",
      "workflow_job",
      "workflow_run",
    ],
    behavior: "down",
    timeoutMs: 10_000,
  },
  {
    name: "old-crm",
    events: [
      "fork",
      "marketplace_purchase",
      "public",
      "sponsorship",
      "star",
      "watch",
    ],
    behavior: "gone",
    timeoutMs: 10_000,
  },
];

export function subscribes(receiver: Receiver, eventName: string): boolean {
  return receiver.events.includes("*") || receiver.events.includes(eventName);
}
