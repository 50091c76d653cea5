/**
 * Run as a process of its own by the persistence tests: commits pairs of documents until
 * it is killed, and prints the number of each commit once it has returned.
 */
import { SystemRandomness, WallClock } from "../../src/clock.js";
import { openDatabase } from "../../src/storage/index.js";

const db = openDatabase({
  dir: process.argv[2]!,
  clock: new WallClock(),
  randomness: new SystemRandomness(),
  folding: { maxLogRows: 20, maxLogLength: 1e9, batch: 7 },
});

let n = db.begin().count("", "left");

function commitPair(): void {
  const tx = db.begin();
  tx.insert("", "left", { n });
  tx.insert("", "right", { n });
  db.commit(tx);
  process.stdout.write(`${n++}\n`, () => setImmediate(commitPair));
}
commitPair();
