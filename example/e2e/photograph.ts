/** Pictures for people to judge, of both schemes and two widths. */
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Locator } from "playwright-core";
import { expect } from "vitest";
import type { RelayPage } from "./relay-page.js";

/** Where they go: `RELAY_SCREENSHOTS`, or a new directory that is told. */
async function screenshotsDir(): Promise<string> {
  const chosen = process.env.RELAY_SCREENSHOTS;
  if (chosen) {
    await mkdir(chosen, { recursive: true });
    return chosen;
  }
  const dir = await mkdtemp(path.join(tmpdir(), "relay-screenshots-"));
  console.log(`screenshots are in ${dir}`);
  return dir;
}

let dir: Promise<string> | undefined;

/** Takes them, and fails where a page is wider than its window or deaf to the scheme. */
export async function photograph(
  { page }: RelayPage,
  name: string,
  /** What a narrow picture, of one screen, begins with; else with the top. */
  subject?: Locator,
): Promise<void> {
  dir ??= screenshotsDir();
  const backgrounds = new Set<string>();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: 1_100 });
      const { background, overflow } = await page.evaluate(() => ({
        background: getComputedStyle(document.body).backgroundColor,
        overflow: document.documentElement.scrollWidth - window.innerWidth,
      }));
      backgrounds.add(background);
      expect(overflow, `${name} at ${width} px`).toBeLessThanOrEqual(0);
      const isNarrow = width === 390;
      await page.evaluate(() => window.scrollTo(0, 0));
      if (isNarrow) {
        await subject?.evaluate((element) => element.scrollIntoView());
      }
      await page.screenshot({
        path: path.join(await dir, `${name}-${colorScheme}-${width}.png`),
        fullPage: !isNarrow && !name.startsWith("confirm"),
      });
    }
  }
  expect(backgrounds.size).toBe(2);
}
