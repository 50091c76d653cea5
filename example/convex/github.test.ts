import { expect, test } from "vitest";
import { samples } from "../github/samples.js";
import { describeEvent, parsePayload } from "./github.js";

test.each(["", "{", "null", "[1]", '"text"', "7"])(
  "%j is not a payload",
  (body) => {
    expect(parsePayload(body)).toBeNull();
  },
);

test("an event is named after its action and its repository", () => {
  const payload = {
    action: "opened",
    repository: { full_name: "Codertocat/Hello-World" },
  };
  expect(describeEvent("issues", payload)).toEqual({
    title: "issues.opened",
    subject: "Codertocat/Hello-World",
  });
});

test("every real payload has a title and a subject", () => {
  expect(samples).toHaveLength(329);
  for (const { name, payload } of samples) {
    const parsed = parsePayload(JSON.stringify(payload));
    const { title, subject } = describeEvent(name, parsed!);
    expect(title.startsWith(name)).toBe(true);
    expect(subject).not.toBe("");
  }
});
