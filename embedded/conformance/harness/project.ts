/** A small app that a case edits and pushes with the official CLI. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Deployment } from "../../src/index.js";
import { AS_IS, convex, type CliResult } from "../../test/cli/convex.js";

/** Below this package, where imports of `convex` resolve. */
const PROJECTS = fileURLToPath(new URL("../", import.meta.url));

export class Project {
  private constructor(
    private readonly directory: string,
    private readonly deployment: Deployment,
  ) {}

  static async create(
    deployment: Deployment,
    files: Record<string, string>,
  ): Promise<Project> {
    const directory = await mkdtemp(join(PROJECTS, ".project-"));
    const project = new Project(directory, deployment);
    await project.write({
      "package.json": '{ "type": "module", "dependencies": { "convex": "*" } }',
      ...files,
    });
    return project;
  }

  async write(files: Record<string, string>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.directory, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
  }

  async delete(path: string): Promise<void> {
    await rm(join(this.directory, path), { recursive: true });
  }

  /** `npx convex …` in the project, whatever comes of it. */
  cli(...args: string[]): Promise<CliResult> {
    return convex(this.directory, args, this.deployment);
  }

  /** The same, or an error with what the CLI said; gives what it printed. */
  async run(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.cli(...args);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }

  deploy(): Promise<string> {
    return this.run("deploy", ...AS_IS);
  }

  /** What the CLI says of a push that must not succeed. */
  async refusal(): Promise<string> {
    const { code, stderr } = await this.cli("deploy", ...AS_IS);
    if (code === 0) throw new Error("The push succeeded.");
    return stderr;
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true });
  }
}
