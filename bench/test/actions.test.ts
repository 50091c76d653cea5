import { beforeEach, describe, expect, test, vi } from "vitest";
import type { App } from "../../embedded/src/runtime/types.js";
import { type EndOfAction, LiveActions, memoryMb } from "../actions.js";

let now = 0;
let actions: LiveActions;

beforeEach(() => {
  now = 1000;
  actions = new LiveActions(() => now);
});

/** As the deployment does it: a killed action ends at once. */
function begin(scheduledId: string | null, megabytes = 64) {
  const action = { killed: null as boolean | null, end: () => {} };
  let end: EndOfAction | null = null;
  const kill = vi.fn(() => action.end());
  action.end = () => {
    const over = end;
    end = null;
    if (over !== null) action.killed = over().killed;
  };
  end = actions.begin(megabytes, { scheduledId, kill });
  return { ...action, began: end !== null, kill, state: action };
}

describe("the actions that live", () => {
  test("are billed for their memory as long as they live", () => {
    const short = begin("a");
    now = 1010;
    begin("b", 512);
    now = 1110;
    short.end();
    now = 1120;
    expect(actions.used()).toBe(64 * 110 + 512 * 110);
  });

  test("are billed up to the death of their process, and no longer", () => {
    begin("a");
    now = 1050;
    actions.died();
    now = 9000;
    expect(actions.used()).toBe(64 * 50);
  });

  test("die with the action that called them", () => {
    const executor = begin("a");
    const called = begin("a");
    const other = begin("b");
    executor.end();
    expect(called.state.killed).toBe(true);
    expect(executor.state.killed).toBe(false);
    expect(other.kill).not.toHaveBeenCalled();
  });

  test("go on when one that they called is over", () => {
    const executor = begin("a");
    begin("a").end();
    expect(executor.kill).not.toHaveBeenCalled();
    expect(begin("a").began).toBe(true);
  });

  test("are all killed once, those of clients excepted", () => {
    const executors = [begin("a"), begin("b")];
    const called = begin("a");
    const client = begin(null);
    actions.killScheduled("of old age");
    for (const { kill } of executors) {
      expect(kill.mock.calls).toEqual([["of old age"]]);
    }
    expect(called.state.killed).toBe(true);
    expect(client.kill).not.toHaveBeenCalled();
  });

  test("do not begin any more when their caller is gone", () => {
    begin("a").end();
    const late = begin("a");
    expect(late.began).toBe(false);
    expect(late.kill).toHaveBeenCalledOnce();
  });
});

test("an action has the memory of its runtime", () => {
  const app = {
    components: { "": { definitionPath: "app" } },
    definitions: {
      app: {
        modules: {
          "mail.js": { environment: "node" },
          "deep/jobs.js": { environment: "isolate" },
        },
      },
    },
  } as unknown as App;
  const of = (name: string) => memoryMb(app, { component: "", name });
  expect(of("mail:send")).toBe(512);
  expect(of("deep/jobs:run")).toBe(64);
});
