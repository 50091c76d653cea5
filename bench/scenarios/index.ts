/** All scenarios, in the order of the table. */
import { afterwards } from "./afterwards.js";
import { arrivalScenarios } from "./arrivals.js";
import { attemptScenarios } from "./attempts.js";
import { backlogs } from "./backlogs.js";
import { beside } from "./beside.js";
import { chainScenarios } from "./chains.js";
import { declarations } from "./declared.js";
import { deaths } from "./deaths.js";
import { fan } from "./fan.js";
import { longWorks } from "./longWorks.js";
import { outcomes } from "./outcomes.js";
import { ownFunctionScenarios } from "./ownFunctions.js";
import { queues } from "./queues.js";
import type { Scenario } from "./scenario.js";
import { storms } from "./storms.js";

export const SCENARIOS: Scenario[] = [
  ...queues,
  ...arrivalScenarios,
  ...storms,
  ...backlogs,
  ...outcomes,
  ...chainScenarios,
  fan,
  ...beside,
  ...ownFunctionScenarios,
  ...longWorks,
  ...deaths,
  ...declarations,
  ...attemptScenarios,
  ...afterwards,
];
