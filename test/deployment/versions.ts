/** What each version left in a store: a busy pool, and the code it ran. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";
import type { App } from "../../embedded/src/runtime/types.js";
import type { StoredWorld } from "../../sim/world.js";

export interface StoredVersion {
  app: App;
  world: StoredWorld;
}

const DIRECTORY = new URL("versions/", import.meta.url);
const SUFFIX = ".json.br";
const fileOf = (version: string) =>
  fileURLToPath(new URL(version + SUFFIX, DIRECTORY));

export function storedVersions(): string[] {
  return readdirSync(DIRECTORY)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length));
}

export function readVersion(version: string): StoredVersion {
  const json = brotliDecompressSync(readFileSync(fileOf(version)));
  return JSON.parse(json.toString()) as StoredVersion;
}

export function writeVersion(version: string, stored: StoredVersion): void {
  // Stack traces of old code may do without lines.
  const json = Buffer.from(
    JSON.stringify(stored, (key, value: unknown) =>
      key === "sourceMap" ? null : value,
    ),
  );
  writeFileSync(fileOf(version), brotliCompressSync(json));
}
