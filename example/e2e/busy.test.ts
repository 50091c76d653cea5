/** The page while much is under way: receivers do not answer until a test lets them. */
import { afterEach, expect, test } from "vitest";
import { photograph } from "./photograph.js";
import type { RelayPage } from "./relay-page.js";
import { withRelay } from "./with-relay.js";

const LIMIT = 5;

const { relay, open } = withRelay();
let release = () => {};

afterEach(() => release());

/** As soon as this many are under way, none of them answered. */
async function openBusy(): Promise<RelayPage> {
  const page = await open();
  await page.page.getByLabel("At once").selectOption(String(LIMIT));
  await page.notice(`Up to ${LIMIT} deliveries at once`).waitFor();
  release = relay().receivers.hold();
  await page.button("Send 50").click();
  await page.notice("50 sample events accepted").waitFor();
  await page.poolNow(/^5 of 5 running/).waitFor();
  return page;
}

async function settled(page: RelayPage): Promise<void> {
  release();
  await page.figureIs("Pending", /^0$/);
}

test("a page without a delivery says what to do", async () => {
  const page = await open();
  await page.page.getByText("No deliveries here.").waitFor();
  await page.count(/^0 deliveries$/).waitFor();
  expect(await page.button("Nothing to cancel").isDisabled()).toBe(true);
  await photograph(page, "empty");
});

test("what runs comes first, and is never said to be more than the limit", async () => {
  const page = await open();
  await page.send("push");
  await settled(page);
  await page.close();

  const busy = await openBusy();
  await busy.page
    .locator('.deliveries > tbody > tr:first-child[data-phase="running"]')
    .waitFor();
  expect(await busy.states()).not.toContain("Delivered");
  for (let i = 0; i < 20; i++) {
    const running = (await busy.states()).filter((each) => each === "Running");
    expect(running.length).toBeLessThanOrEqual(LIMIT);
  }
  const { sentence, pending } = await busy.page.evaluate(() => ({
    sentence: document.querySelector(".pool-now")!.textContent!,
    pending: document.querySelector(".summary dd")!.textContent!,
  }));
  const [running, claimed, waiting] =
    /^(\d+) of 5 running, (\d+) handed over, (\d+) waiting$/
      .exec(sentence)!
      .slice(1)
      .map(Number) as [number, number, number];
  expect(running).toBeLessThanOrEqual(LIMIT);
  expect(running + claimed + waiting).toBe(Number(pending));
  await photograph(busy, "busy", busy.page.locator(".filters"));
  await settled(busy);
});

test("cancel says how many of what, asks, and cancels what matches", async () => {
  const page = await openBusy();
  await page.filter("chat-alerts");
  await page.page.getByRole("button", { name: /^Cancel \d+ pending/ }).click();
  const title = await page.dialog().getByRole("heading").textContent();
  expect(title).toMatch(/^Cancel \d{2,} pending deliveries to chat-alerts\?$/);
  await photograph(page, "confirm");
  await page.dialog().getByRole("button", { name: "Keep them" }).click();
  await page.figureIs("Canceled", /^0$/);

  await page.page.getByRole("button", { name: /^Cancel \d+ pending/ }).click();
  await page
    .dialog()
    .getByRole("button", { name: /^Cancel \d+ deliveries$/ })
    .click();
  await page.notice("to chat-alerts").waitFor();
  await page.figureIs("Canceled", /^\d{2}$/);
  await page.filter("All endpoints", "Canceled");
  const endpoints = await page.page
    .locator(".deliveries > tbody > tr > td:nth-child(2)")
    .allTextContents();
  expect(new Set(endpoints)).toEqual(new Set(["chat-alerts"]));
  await settled(page);
});

test("everything pending can be canceled at once", async () => {
  const page = await openBusy();
  const before = Number(await page.figure("Canceled").textContent());
  await page.page.getByRole("button", { name: /^Cancel \d+ pending/ }).click();
  expect(await page.dialog().getByRole("heading").textContent()).toMatch(
    /^Cancel \d{3} pending deliveries to all endpoints\?$/,
  );
  await page
    .dialog()
    .getByRole("button", { name: /^Cancel \d+ deliveries$/ })
    .click();
  // Only what is being sent, and what a worker has, can be left.
  await page.figureIs("Pending", /^\d{1,2}$/);
  await settled(page);
  const after = Number(await page.figure("Canceled").textContent());
  expect(after - before).toBeGreaterThanOrEqual(50);
});

test("a delivery's attempts are told with their times and answers", async () => {
  const page = await open();
  await settled(page);
  await page.filter("chat-alerts", "Delivered");
  const rows = page.deliveries("", "chat-alerts", "Delivered");
  const tried = rows.filter({
    has: page.page.locator("td.number", { hasText: /^[2-4]$/ }),
  });
  const attempts = Number(
    await tried.first().locator("td.number").textContent(),
  );
  await tried.first().getByRole("button").first().click();
  const told = page.attempts();
  await told.first().waitFor();
  const cells = await told.evaluateAll((each) =>
    each.map((row) => Array.from(row.children, (cell) => cell.textContent!)),
  );
  expect(cells).toHaveLength(attempts);
  for (const [i, [number, started, took, answer]] of cells.entries()) {
    expect(number).toBe(String(i + 1));
    expect(started).toMatch(/^\d\d:\d\d:\d\d$/);
    expect(took).toMatch(/^[\d.]+ m?s$/);
    expect(answer!.trim()).toMatch(
      i < attempts - 1
        ? /^(500|429|503) chat-alerts answered|could not be reached|did not answer/
        : /^202$/,
    );
  }
  await photograph(page, "details", page.page.locator(".filters"));
  await page.page.context().setOffline(true);
  await page.connection("Reconnecting").waitFor();
  await photograph(page, "offline");
});

test("pages go on until the last delivery, also beyond two hundred", async () => {
  const page = await open();
  await settled(page);
  const total = Number(
    (await page.count(/^\d+ deliveries$/).textContent())!.split(" ")[0],
  );
  expect(total).toBeGreaterThan(200);
  const rows = page.page.getByRole("rowheader");
  const next = page.button("Next 25");
  let shown = await rows.count();
  while ((await next.count()) > 0) {
    await next.click();
    await page.answered();
    shown += await rows.count();
  }
  expect(shown).toBe(total);
  await page.page.goBack();
  await page.answered();
  expect(await rows.count()).toBe(25);
  await page.button("Back to the top").click();
  expect(new URL(page.page.url()).search).toBe("");
});
