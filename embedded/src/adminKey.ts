import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Randomness } from "./seams.js";

/** Readable by the owner alone: whoever has the key may do everything. */
const MODE = 0o600;

/** "name|hex": the one kept in `dir`, or a new one. Without a directory, a new one each time. */
export async function loadAdminKey(
  name: string,
  dir: string | undefined,
  randomness: Randomness,
): Promise<string> {
  const secret = Buffer.from(randomness.bytes(32)).toString("hex");
  const fresh = `${name}|${secret}`;
  if (dir === undefined) return fresh;
  await mkdir(dir, { recursive: true });
  const path = join(dir, "admin-key");
  try {
    // Fails when it exists: a key is never replaced by accident.
    await writeFile(path, `${fresh}\n`, { mode: MODE, flag: "wx" });
    return fresh;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const kept = (await readFile(path, "utf8")).trim();
  if (!/^[^|]+\|[0-9a-f]{32,}$/.test(kept)) {
    throw new Error(
      `${path} does not hold an admin key ("name|hex"). Remove the file to get a new one.`,
    );
  }
  return kept;
}
