import { expect, test } from "vitest";
import { withRelay } from "./with-relay.js";

const { relay, open } = withRelay();

test("a webhook's deliveries appear, one per subscribed endpoint", async () => {
  const page = await open();
  await page.send("star");
  for (const endpoint of ["audit-log", "chat-alerts", "old-crm"]) {
    await page.delivery("star", endpoint).waitFor();
  }
  expect(await page.delivery("star", "ci-dashboard").count()).toBe(0);
});

test("states change without a reload", async () => {
  const page = await open();
  await page.pause();
  await page.send("push");
  await page.delivery("push", "audit-log", "Queued").waitFor();
  await page.page.evaluate(() => Object.assign(window, { loadedOnce: true }));
  await page.resume();
  for (const endpoint of ["audit-log", "search-index", "chat-alerts"]) {
    await page.delivery("push", endpoint, "Delivered").waitFor();
  }
  expect(await page.page.evaluate(() => "loadedOnce" in window)).toBe(true);
});

test("a delivery refused for good says why, after one attempt", async () => {
  const page = await open();
  await page.send("watch");
  const row = page.delivery("watch", "old-crm", "Failed");
  await row.waitFor();
  expect(await row.getByRole("cell").allTextContents()).toEqual([
    "old-crm",
    "Failed",
    "1",
    "old-crm answered 410: this integration was removed",
    expect.any(String),
    "Redeliver",
  ]);
});

test("a canceled delivery is not made, until it is redelivered", async () => {
  const page = await open();
  await page.pause();
  await page.send("label");
  const row = page.delivery("label", "audit-log", "Queued");
  await row.getByRole("button", { name: /^Cancel/ }).click();
  const canceled = page.delivery("label", "audit-log", "Canceled");
  await canceled.waitFor();
  await page.resume();
  await page.delivery("label", "chat-alerts", "Delivered").waitFor();
  const labels = () =>
    [...relay().receivers.seen("audit-log").values()].filter(
      ({ event }) => event === "label",
    );
  expect(labels()).toEqual([]);

  await canceled.getByRole("button", { name: /^Redeliver/ }).click();
  await page.delivery("label", "audit-log", "Delivered").waitFor();
  await page.page.getByRole("cell", { name: "Redelivered" }).first().waitFor();
  expect(labels()).toMatchObject([{ requests: 1, accepted: 1 }]);
});

test("the parallelism chosen is still there after a reload", async () => {
  const page = await open();
  await page.page.getByLabel("At once").selectOption("5");
  await page.notice("Up to 5 deliveries at once").waitFor();
  await page.page.reload();
  await page.page.locator('select:has(option[value="5"]:checked)').waitFor();
});

test("filters show what they say", async () => {
  const page = await open();
  await page.page.getByRole("radio", { name: "Failed" }).check();
  await page.answered();
  await page.delivery("watch", "old-crm", "Failed").waitFor();
  expect(await page.state("Delivered").count()).toBe(0);
  await page.page.getByRole("combobox", { name: "Endpoint" }).selectOption({
    label: "audit-log",
  });
  await page.page.getByText("No deliveries here.").waitFor();
});

test("it can be used with the keyboard alone", async () => {
  const page = await open();
  const { keyboard } = page.page;
  const focused = () =>
    page.page.evaluate(() => {
      const element = document.activeElement!;
      const outline = getComputedStyle(element).outlineStyle;
      return { text: element.textContent, visible: outline !== "none" };
    });

  // Until the settings are known there is nothing to change.
  await page.page.locator("button:enabled", { hasText: "Pause" }).waitFor();
  await keyboard.press("Tab");
  expect(
    await page.page
      .getByLabel("At once")
      .evaluate((element) => element === document.activeElement),
  ).toBe(true);
  await keyboard.press("Tab");
  expect(await focused()).toEqual({ text: "Pause", visible: true });
  await keyboard.press("Enter");
  await page.notice("Paused").waitFor();
  expect(await focused()).toEqual({ text: "Resume", visible: true });
  await keyboard.press("Space");
  await page.notice("Resumed").waitFor();

  await page.page.getByRole("radio", { name: "All" }).focus();
  await keyboard.press("ArrowLeft");
  expect(
    await page.page.getByRole("radio", { name: "Canceled" }).isChecked(),
  ).toBe(true);
  await page.page.getByRole("radio", { name: "Canceled" }).focus();
  await keyboard.press("ArrowRight");
  // The rows of the other filter go when those of this one come, and with them the focus.
  await page.answered();

  await page.page
    .getByRole("rowheader")
    .first()
    .getByRole("button", { expanded: false })
    .focus();
  await keyboard.press("Enter");
  await page.page.getByText("GitHub delivery").waitFor();
});

test("the page recovers when the deployment is killed and restarted", async () => {
  const page = await open();
  await page.pause();
  await page.send("milestone");
  await page.delivery("milestone", "audit-log", "Queued").waitFor();
  const restarted = relay().restartDeployment();
  await page.connection("Reconnecting").waitFor();
  expect(await page.button("Resume").isDisabled()).toBe(true);
  await restarted;
  await page.connection("Live").waitFor();
  await page.resume();
  await page.delivery("milestone", "audit-log", "Delivered").waitFor();
  await page.send("gollum");
  await page.delivery("gollum", "audit-log", "Delivered").waitFor();
});

test("offline, the page says so and does not act", async () => {
  const page = await open();
  await page.delivery("gollum", "audit-log").waitFor();
  const acting = page.page.locator(".danger, .actions button, .panel button");
  await page.page.context().setOffline(true);
  await page.connection("Reconnecting").waitFor();
  const alert = page.page.getByRole("alert");
  expect(await alert.textContent()).toMatch(
    /^Not connected since \d\d:\d\d:\d\d\..* wait until Relay is reached/,
  );
  for (const element of await acting.all()) {
    expect(await element.isDisabled()).toBe(true);
  }
  expect(await page.button("Pause").getAttribute("title")).toContain(
    "nothing can be changed",
  );
  // What is known can still be looked at.
  await page
    .delivery("gollum", "audit-log")
    .getByRole("button")
    .first()
    .click();
  await page.page.getByText("GitHub delivery").waitFor();

  await page.page.context().setOffline(false);
  await page.connection("Live").waitFor();
  expect(await alert.count()).toBe(0);
  expect(await page.button("Pause").isEnabled()).toBe(true);
});

test("the address says what is looked at; back and forward go through it", async () => {
  const page = await open();
  const search = () => new URL(page.page.url()).search;
  await page.filter("old-crm", "Failed");
  expect(search()).toBe("?state=failed&endpoint=old-crm");
  const row = page.delivery("watch", "old-crm", "Failed");
  await row.getByRole("button").first().click();
  const details = page.page.getByText("GitHub delivery");
  await details.waitFor();
  expect(search()).toMatch(/^\?state=failed&endpoint=old-crm&delivery=\w+$/);

  await page.page.reload();
  await details.waitFor();
  expect(
    await page.page.getByRole("radio", { name: "Failed" }).isChecked(),
  ).toBe(true);

  await page.page.goBack();
  await details.waitFor({ state: "detached" });
  await page.page.goBack();
  await page.page.goBack();
  expect(search()).toBe("");
  await page.delivery("gollum", "audit-log", "Delivered").waitFor();
  await page.page.goForward();
  await page.page.goForward();
  await page.page.goForward();
  await details.waitFor();
});

test("an address that makes no sense is answered in words", async () => {
  const page = await open();
  await page.page.goto(`${relay().pageUrl}?endpoint=nobody&delivery=nothing`);
  await page.page.getByText("No endpoint is called nobody.").waitFor();
  await page.page.getByText("There is no delivery nothing.").waitFor();
});

test("what a button did is told where it covers no row", async () => {
  const page = await open();
  const masthead = page.page.getByRole("banner");
  const before = await masthead.boundingBox();
  await page.page.getByLabel("At once").selectOption("1");
  const notice = page.notice("Up to 1 delivery at once");
  await notice.waitFor();
  expect(await masthead.boundingBox()).toEqual(before);
  const { y, height } = (await notice.boundingBox())!;
  expect(y).toBeGreaterThanOrEqual(before!.y);
  expect(y + height).toBeLessThanOrEqual(before!.y + before!.height);
});

test("a time has its day where that is not today", async () => {
  const page = await open();
  const cell = page.delivery("gollum", "audit-log").locator(".time");
  expect(await cell.textContent()).toMatch(/^\d\d:\d\d:\d\d$/);
  await page.page.clock.setFixedTime(Date.now() + 48 * 3_600_000);
  await page.page.reload();
  await cell.filter({ hasText: /^\d+ \w+, \d\d:\d\d:\d\d$/ }).waitFor();
});
