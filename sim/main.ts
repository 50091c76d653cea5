import { runHistory } from "./history.js";
import { pushedVersions } from "./versions.js";
const t0 = Date.now();
const versions = await pushedVersions();
console.log("pushed", Date.now() - t0);
const from = Number(process.argv[2] ?? 1),
  n = Number(process.argv[3] ?? 10);
const trace =
  process.argv[4] === "trace" ? (l: string) => console.log(l) : null;
for (let seed = from; seed < from + n; seed++) {
  const t = Date.now();
  const r = await runHistory(versions, seed, trace);
  console.log(
    seed,
    Date.now() - t,
    "ms",
    r.commits,
    r.faults,
    r.violations
      .slice(0, 2)
      .map((v) => JSON.stringify(v))
      .join("\n   "),
  );
}
