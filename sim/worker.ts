/** A process that runs the histories it is told to, one after the other. */
import { readFileSync } from "node:fs";
import type { App } from "../embedded/src/runtime/types.js";
import { runTask, type Task } from "./profiles.js";

const versions = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as [
  App,
  App,
];

process.on("message", (task: Task) => {
  void runTask(versions, task).then((result) => process.send!(result));
});
