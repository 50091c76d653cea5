/** One Relay and one browser for the tests of a file, a page for each test. */
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import { startRelay, type Relay } from "../scripts/relay.js";
import { launchBrowser } from "./browser.js";
import { RelayPage } from "./relay-page.js";

export function withRelay() {
  let relay: Relay | undefined;
  let browser: Browser | undefined;
  let page: RelayPage | undefined;

  beforeAll(async () => {
    [relay, browser] = await Promise.all([
      startRelay({ page: true }),
      launchBrowser(),
    ]);
  });

  afterEach(async () => {
    await page?.close();
  });

  afterAll(async () => {
    await browser?.close();
    await relay?.stop();
  });

  return {
    relay: () => relay!,
    async open(
      options?: Parameters<Browser["newPage"]>[0],
    ): Promise<RelayPage> {
      page = await RelayPage.open(browser!, relay!.pageUrl!, options);
      return page;
    },
  };
}
