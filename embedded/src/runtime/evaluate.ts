/** Evaluates pushed modules outside of any call, to look at what they export. */
import type { Clock, Randomness } from "../seams.js";
import { Environment } from "./environment.js";
import { FunctionError } from "./errors.js";
import type { ModuleLoader } from "./moduleLoader.js";
import { describeThrown } from "./stack.js";
import type { ModuleSource } from "./types.js";

export interface EvaluationSeams {
  clock: Clock;
  randomness: Randomness;
  modules: ModuleLoader;
}

/**
 * Fresh globals, no database, no network, no timers. Rejects with a
 * FunctionError whose message and stack are Convex's ("Uncaught Error: …").
 */
export async function evaluateModule(
  seams: EvaluationSeams,
  modules: ModuleSource[] | Record<string, ModuleSource>,
  entry: string,
  env: Record<string, string>,
): Promise<Record<string, unknown>> {
  let loaded;
  try {
    loaded = await seams.modules.load(modules);
  } catch (error) {
    throw new FunctionError((error as Error).message);
  }
  const refuse = (): never => {
    throw new Error(
      "The database and other functions cannot be used while modules are loaded: only inside a function's handler.",
    );
  };
  const environment = new Environment({
    env,
    now: () => seams.clock.now(),
    random: seams.randomness,
    syscall: refuse,
    asyncSyscall: refuse,
    jsSyscall: refuse,
    log: () => {},
    io: null,
    track: (operation) => operation,
  });
  try {
    return loaded.instantiate(entry, { environment, instances: new Map() });
  } catch (error) {
    throw describeThrown(error, loaded.positions);
  }
}
