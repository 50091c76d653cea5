import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startRelay, type Relay } from "../scripts/relay.js";
import { launchBrowser } from "./browser.js";
import { RelayPage } from "./relay-page.js";

let relay: Relay;
let browser: Browser;
let page: RelayPage;

beforeAll(async () => {
  [relay, browser] = await Promise.all([
    startRelay({ page: true }),
    launchBrowser(),
  ]);
});

afterAll(async () => {
  await browser?.close();
  await relay?.stop();
});

async function open(
  options?: Parameters<Browser["newPage"]>[0],
): Promise<RelayPage> {
  page = await RelayPage.open(browser, relay.pageUrl!, options);
  return page;
}

afterEach(async () => {
  await page?.close();
});

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
    [...relay.receivers.seen("audit-log").values()].filter(
      ({ event }) => event === "label",
    );
  expect(labels()).toEqual([]);

  await canceled.getByRole("button", { name: /^Redeliver/ }).click();
  await page.delivery("label", "audit-log", "Delivered").waitFor();
  await page.page.getByRole("cell", { name: "Redelivered" }).first().waitFor();
  expect(labels()).toMatchObject([{ requests: 1, accepted: 1 }]);
});

test("a failed delivery can be redelivered, as a delivery of its own", async () => {
  const page = await open();
  await page.send("fork");
  const row = page.delivery("fork", "old-crm", "Failed");
  await row.getByRole("button", { name: /^Redeliver/ }).click();
  await page
    .deliveries("fork", "old-crm", "Failed")
    .filter({ hasText: "Redelivered" })
    .waitFor();
  await page.deliveries("fork", "old-crm", "Failed").nth(1).waitFor();
});

test("everything pending can be canceled at once", async () => {
  const page = await open();
  await page.figureIs("Pending", /^0$/);
  const canceled = async () =>
    Number(await page.figure("Canceled").textContent());
  const delivered = await page.figure("Delivered").textContent();
  const before = await canceled();
  await page.pause();
  await page.button("Send 50").click();
  await page.notice("50 sample events accepted").waitFor();
  // Two endpoints take every event.
  await page.figureIs("Pending", /^\d{3}$/);
  await page.button("Cancel all").click();
  await page.figureIs("Pending", /^0$/);
  expect(await canceled()).toBeGreaterThanOrEqual(before + 100);
  await page.resume();
  expect(await page.figure("Delivered").textContent()).toBe(delivered);
});

test("the parallelism chosen is still there after a reload", async () => {
  const page = await open();
  await page.page.getByLabel("At once").selectOption("5");
  await page.notice("Up to 5 deliveries at once").waitFor();
  await page.page.reload();
  await page.page.locator('select:has(option[value="5"]:checked)').waitFor();
});

test("older deliveries are shown when asked for", async () => {
  const page = await open();
  await page.button("Send 50").click();
  await page.notice("50 sample events accepted").waitFor();
  const rows = page.page.getByRole("rowheader");
  await rows.nth(24).waitFor();
  expect(await rows.count()).toBe(25);
  await page.button("Show more").click();
  await rows.nth(49).waitFor();
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
  const restarted = relay.restartDeployment();
  await page.connection("Reconnecting").waitFor();
  await restarted;
  await page.connection("Live").waitFor();
  await page.resume();
  await page.delivery("milestone", "audit-log", "Delivered").waitFor();
  await page.send("gollum");
  await page.delivery("gollum", "audit-log", "Delivered").waitFor();
});

test("it follows the system's light and dark, wide and narrow", async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "relay-screenshots-"));
  const backgrounds: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 390]) {
      const page = await open({
        colorScheme,
        viewport: { width, height: 900 },
      });
      await page.delivery("gollum", "audit-log").waitFor();
      backgrounds.push(
        await page.page.evaluate(
          () => getComputedStyle(document.body).backgroundColor,
        ),
      );
      const overflow = await page.page.evaluate(
        () => document.documentElement.scrollWidth - window.innerWidth,
      );
      expect(overflow).toBeLessThanOrEqual(0);
      await page.page.screenshot({
        path: path.join(dir, `${colorScheme}-${width}.png`),
        fullPage: true,
      });
      await page.close();
    }
  }
  console.log(`screenshots are in ${dir}`);
  expect(new Set(backgrounds).size).toBe(2);
});
