/**
 * Counts the cases per topic, and keeps the table of them in docs/embedded.md: after a
 * run of the whole suite that passed, a table that says something else fails the run
 * (or is rewritten, with --update).
 */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { format } from "prettier";
import type { Reporter, TestModule, Vitest } from "vitest/node";

const PAGE = fileURLToPath(
  new URL("../../../docs/embedded.md", import.meta.url),
);
const TABLE =
  /(<!-- conformance cases: .*? -->)[^]*?(<!-- end of conformance cases -->)/;

export default class CaseReporter implements Reporter {
  private vitest: Vitest | null = null;

  onInit(vitest: Vitest): void {
    this.vitest = vitest;
  }

  async onTestRunEnd(
    modules: readonly TestModule[],
    _errors: unknown,
    reason: string,
  ): Promise<void> {
    const counts = countCases(modules);
    const { logger, config } = this.vitest!;
    const total = [...counts.values()].reduce((sum, each) => sum + each, 0);
    logger.log(`\n${total} cases in ${counts.size} topics`);
    const files = await this.vitest!.globTestSpecifications();
    const whole =
      reason === "passed" &&
      config.testNamePattern === undefined &&
      modules.length === files.length;
    if (!whole) return;
    const page = await readFile(PAGE, "utf8");
    if (!TABLE.test(page))
      throw new Error(`${PAGE} has no place for the table.`);
    const rows = [...counts].map(([topic, count]) => `| ${topic} | ${count} |`);
    const table = await format(
      ["| topic | cases |", "| --- | --: |", ...rows, `| **all** | ${total} |`]
        .map((line) => `${line}\n`)
        .join(""),
      { parser: "markdown" },
    );
    const current = page.replace(
      TABLE,
      (_all, before: string, after: string) =>
        `${before}\n\n${table}\n${after}`,
    );
    if (current === page) return;
    if (config.snapshotOptions.updateSnapshot === "all") {
      await writeFile(PAGE, current);
      logger.log("docs/embedded.md: the table of cases is up to date again.");
    } else {
      logger.error(
        "docs/embedded.md: the table of cases is not what ran. Run npm run test:conformance -- --update and commit it.",
      );
      process.exitCode = 1;
    }
  }
}

/** By the outermost describe, in alphabetical order; each case must have a source. */
function countCases(modules: readonly TestModule[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const testModule of modules) {
    for (const test of testModule.children.allTests()) {
      if (test.meta().source === undefined) {
        throw new Error(`The case "${test.fullName}" names no source.`);
      }
      const topic = test.fullName.split(" > ")[0]!;
      counts.set(topic, (counts.get(topic) ?? 0) + 1);
    }
  }
  return new Map([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
