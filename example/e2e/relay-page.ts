/** The page as somebody who uses it would describe it. */
import type { Browser, Locator, Page } from "playwright-core";

export class RelayPage {
  private constructor(readonly page: Page) {}

  static async open(
    browser: Browser,
    url: string,
    options: Parameters<Browser["newPage"]>[0] = {},
  ): Promise<RelayPage> {
    const page = await browser.newPage({
      viewport: { width: 1280, height: 900 },
      ...options,
    });
    // Ends what will never come, also on a machine that has much else to do.
    page.setDefaultTimeout(100_000);
    await page.goto(url);
    const relay = new RelayPage(page);
    await relay.connection("Live").waitFor();
    return relay;
  }

  connection(label: string): Locator {
    return this.page
      .getByRole("status", { name: "Connection" })
      .filter({ hasText: label });
  }

  button(name: string): Locator {
    return this.page.getByRole("button", { name, exact: true });
  }

  /** What the last button did, as announced. */
  notice(text: string): Locator {
    return this.page.locator(".notice").getByText(text);
  }

  /** Sends one event through the page, and waits until it was accepted. */
  async send(name: string): Promise<void> {
    await this.page.getByLabel("Event").selectOption(name);
    await this.button("Send one").click();
    await this.notice(`1 ${name} event accepted`).waitFor();
  }

  async pause(): Promise<void> {
    await this.button("Pause").click();
    await this.notice("Paused").waitFor();
  }

  async resume(): Promise<void> {
    await this.button("Resume").click();
    await this.notice("Resumed").waitFor();
  }

  /** The newest delivery of this event to this endpoint, in this state if one is named. */
  delivery(event: string, endpoint: string, state?: string): Locator {
    return this.deliveries(event, endpoint, state).first();
  }

  deliveries(event: string, endpoint: string, state?: string): Locator {
    const rows = this.page
      .getByRole("row")
      .filter({ has: this.page.locator("th", { hasText: event }) })
      .filter({ hasText: endpoint });
    return state === undefined ? rows : rows.filter({ has: this.state(state) });
  }

  /** The attempts of the delivery whose details are open, and its redeliveries between them. */
  attempts(): Locator {
    return this.page.locator(".attempts tbody tr");
  }

  state(state: string): Locator {
    return this.page.locator(".badge").getByText(state, { exact: true });
  }

  /** Waits until the deliveries shown are those asked for. */
  async answered(): Promise<void> {
    await this.page.locator('.deliveries[aria-busy="false"]').waitFor();
  }

  /** How many rows of the list there are, and what they say of their state, from the top. */
  async states(): Promise<string[]> {
    return this.page.locator(".deliveries .badge").allTextContents();
  }

  /** What the pool is said to be at. */
  poolNow(text: RegExp): Locator {
    return this.page.locator(".pool-now").filter({ hasText: text });
  }

  /** How many deliveries the filter lets through. */
  count(text: string | RegExp): Locator {
    return this.page.getByTestId("count").filter({ hasText: text });
  }

  async filter(endpoint: string, state = "All"): Promise<void> {
    await this.page.getByRole("radio", { name: state }).check();
    await this.page
      .getByRole("combobox", { name: "Endpoint" })
      .selectOption({ label: endpoint });
    await this.answered();
  }

  dialog(): Locator {
    return this.page.getByRole("dialog");
  }

  figure(label: string): Locator {
    return this.page
      .locator(".summary > div")
      .filter({ hasText: label })
      .locator("dd");
  }

  /** Waits until a figure of the summary looks like this. */
  async figureIs(label: string, value: RegExp): Promise<void> {
    await this.figure(label).filter({ hasText: value }).waitFor();
  }

  close(): Promise<void> {
    return this.page.close();
  }
}
