/**
 * An app outside the repository, such as a reader has: the package comes from a
 * registry, the official CLI pushes to a deployment of its own, and its
 * `_generated` files and `tsconfig.json` are what the CLI writes.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type Deployment, startDeployment } from "../../embedded/src/index.js";
import { run } from "./command.js";

export interface AppOptions {
  registryUrl: string;
  /** Each with its version, unless the newest is meant: `convex@1.48.0`. */
  packages: string[];
  /** What its `package.json` says besides. */
  manifest?: object;
}

export class OutsideApp {
  private isInitialized = false;

  private constructor(
    readonly directory: string,
    private readonly deployment: Deployment,
  ) {}

  static async create(options: AppOptions): Promise<OutsideApp> {
    const deployment = await startDeployment();
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "newcomer-"));
    const app = new OutsideApp(directory, deployment);
    try {
      app.write(
        "package.json",
        JSON.stringify({ private: true, type: "module", ...options.manifest }),
      );
      app.write(
        ".env.local",
        `CONVEX_SELF_HOSTED_URL=${deployment.url}\n` +
          `CONVEX_SELF_HOSTED_ADMIN_KEY=${deployment.adminKey}\n`,
      );
      const flags = ["--registry", options.registryUrl, "--prefer-offline"];
      await app.run(["npm", "install", ...flags, ...options.packages]);
    } catch (error) {
      await app.remove();
      throw error;
    }
    return app;
  }

  has(file: string): boolean {
    return fs.existsSync(path.join(this.directory, file));
  }

  read(file: string): string {
    return fs.readFileSync(path.join(this.directory, file), "utf8");
  }

  write(file: string, text: string): void {
    const target = path.join(this.directory, file);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, text);
  }

  run(words: string[]): Promise<string> {
    return run(this.directory, words);
  }

  /** What the CLI writes for a new app, `convex/tsconfig.json` above all. */
  async initialize(): Promise<void> {
    if (this.isInitialized) return;
    await this.convex("codegen", "--init", "--typecheck=disable");
    this.isInitialized = true;
  }

  /** Pushes it and checks its types, those of the packages it imports included. */
  async check(): Promise<void> {
    await this.initialize();
    await this.convex("dev", "--once", "--typecheck=enable");
    await this.run(["npx", "tsc", "-p", "convex", "--skipLibCheck", "false"]);
  }

  async convex(...args: string[]): Promise<string> {
    return await this.run(["npx", "convex", ...args]);
  }

  async remove(): Promise<void> {
    await this.deployment.close();
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}
