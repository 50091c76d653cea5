/** A small, faithful Convex deployment in one Node process. */
export {
  startDeployment,
  type Deployment,
  type DeploymentOptions,
} from "./deployment.js";
export { ABILITIES, type Ability } from "./runtime/abilities.js";
export { withOlderPackage, type PackageFeature } from "./olderPackage.js";
export type {
  FunctionRunner,
  FunctionStats,
  RunObserver,
  Stats,
} from "./runtime/types.js";
export type {
  DeploymentClass,
  Latency,
  RuntimeLimits,
} from "./runtime/limits.js";
