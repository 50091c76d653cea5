/** What comes again: webhooks that GitHub repeats, failed deliveries, attempts that hang. */
import { randomUUID } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { photograph } from "./photograph.js";
import { withRelay } from "./with-relay.js";

const { relay, open } = withRelay();
let release = () => {};

afterEach(() => {
  release();
  relay().receivers.behave("old-crm", "gone");
});

test("a webhook that GitHub repeats is delivered once", async () => {
  const page = await open();
  const event = {
    guid: randomUUID(),
    name: "star",
    body: '{"action":"created"}',
  };
  const answers = [];
  for (let i = 0; i < 3; i++) answers.push(await relay().sender.post(event));
  expect(answers.map(({ status }) => status)).toEqual([202, 200, 200]);
  await page.delivery("star", "old-crm", "Failed").waitFor();
  await page.delivery("star", "audit-log", "Delivered").waitFor();
  await page.delivery("star", "chat-alerts", "Delivered").waitFor();
  expect(await page.deliveries("star", "").count()).toBe(3);
  // Neither does it begin anew what has failed.
  expect((await relay().sender.post(event)).status).toBe(200);
  expect(await page.deliveries("star", "").count()).toBe(3);
  expect(
    relay().receivers.seen("old-crm").get(`${event.guid}.old-crm`),
  ).toMatchObject({ requests: 1 });
});

test("a failed delivery is redelivered in its row", async () => {
  const page = await open();
  await page.send("fork");
  const row = page.delivery("fork", "old-crm", "Failed");
  await row.getByRole("button").first().click();
  await page.attempts().first().waitFor();
  const failed = Number(await page.figure("Failed").textContent());

  relay().receivers.behave("old-crm", "healthy");
  await row.getByRole("button", { name: /^Redeliver/ }).click();
  await page.delivery("fork", "old-crm", "Delivered").waitFor();
  expect(await page.deliveries("fork", "old-crm").count()).toBe(1);
  await page.figureIs("Failed", new RegExp(`^${failed - 1}$`));
  const told = await page.attempts().allTextContents();
  expect(told).toEqual([
    expect.stringMatching(/^1.*410 old-crm answered 410/),
    expect.stringMatching(/^Redelivered at \d\d:\d\d:\d\d$/),
    expect.stringMatching(/^2.*200 $/),
  ]);
  await photograph(page, "redelivered", page.page.locator(".filters"));
});

test("all that failed are redelivered, after it was said how many", async () => {
  const page = await open();
  for (const event of ["watch", "public", "watch"]) await page.send(event);
  await page.filter("old-crm", "Failed");
  await page.count(/^4 deliveries$/).waitFor();
  const button = page.button("Redeliver all failed (4) …");
  await photograph(page, "failed", page.page.locator(".section-head"));
  await button.click();
  expect(await page.dialog().getByRole("heading").textContent()).toBe(
    "Redeliver 4 failed deliveries to old-crm?",
  );
  await photograph(page, "confirm-redeliver");
  await page.dialog().getByRole("button", { name: "Leave them" }).click();
  await page.count(/^4 deliveries$/).waitFor();

  relay().receivers.behave("old-crm", "healthy");
  await button.click();
  await page
    .dialog()
    .getByRole("button", { name: "Redeliver 4 deliveries" })
    .click();
  await page.notice("Redelivering 4 deliveries to old-crm").waitFor();
  await page.count(/^0 deliveries$/).waitFor();
  await page.figureIs("Failed", /^0$/);
  await page.figureIs("Pending", /^0$/);
  expect(await button.isVisible()).toBe(false);
  await page.filter("old-crm", "Delivered");
  expect(await page.deliveries("watch", "old-crm").count()).toBe(2);
});

test("an attempt that hangs is ended by the pool, and the next one is made", async () => {
  const page = await open();
  await page.pause();
  // A work may take a second and some slack; then the attempt itself is told to wait much longer.
  await relay().registerEndpoints(1_000);
  await page.send("milestone");
  await relay().registerEndpoints(600_000);
  release = relay().receivers.hold();
  await page.resume();
  const row = page.delivery("milestone", "audit-log");
  await row.getByRole("button").first().click();
  await page
    .attempts()
    .filter({ hasText: /^1.*timed out: it hung, and the pool ended it$/ })
    .waitFor();
  // Its slot is free: the next attempt begins although the first one still waits.
  await page.attempts().nth(1).waitFor();
  await photograph(page, "timed-out", page.page.locator(".filters"));
  release();
  await page.delivery("milestone", "audit-log", "Delivered").waitFor();
  const told = await page.attempts().allTextContents();
  expect(told).toEqual([
    expect.stringMatching(/^1.*1\d\.\d s.*timed out/),
    expect.stringMatching(/^2.*200 $/),
  ]);
  await relay().registerEndpoints();
});
