import { afterEach, expect, test, vi } from "vitest";
import { logLevelFromEnv } from "./env.js";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

test.each([
  ["DEBUG", "DEBUG"],
  ["", undefined],
  [undefined, undefined],
])("WORKPOOL_LOG_LEVEL=%s asks for %s", (value, level) => {
  vi.stubEnv("WORKPOOL_LOG_LEVEL", value);
  expect(logLevelFromEnv()).toBe(level);
});

test("a place without environment asks for nothing", () => {
  vi.stubGlobal("process", undefined);
  expect(logLevelFromEnv()).toBeUndefined();
});
