/** Turns a push request into evaluated definitions and a mounted tree. Changes nothing. */
import { createHash } from "node:crypto";
import { badRequest } from "../http/errors.js";
import type { Lacks } from "../runtime/abilities.js";
import type { ModuleSource } from "../runtime/types.js";
import { analyzeModules } from "./analyze.js";
import { evaluateDefinitions, ROOT } from "./definitions.js";
import type { EvaluatedDefinition } from "./evaluated.js";
import type { ModuleEvaluator } from "./evaluator.js";
import { exportNodes, fileBasedExports } from "./exports.js";
import { mountApp, type CheckedComponent } from "./mount.js";
import type { ModuleHash, StartPushRequest } from "./request.js";
import { evaluateSchema } from "./schema.js";

export interface EvaluatedPush {
  definitions: Record<string, EvaluatedDefinition>;
  app: CheckedComponent;
}

export interface PushContext {
  evaluator: ModuleEvaluator;
  /** The app's modules as deployed now, which a push may refer to by hash. */
  deployedModules: ModuleSource[];
  /** The deployment's variables. */
  userEnv: Record<string, string>;
  /** CONVEX_CLOUD_URL and CONVEX_SITE_URL, which every function sees. */
  systemEnv: Record<string, string>;
  lacks: Lacks;
}

/** As the CLI computes it, to leave out what has not changed. */
export function moduleHash(module: ModuleSource): string {
  return createHash("sha256")
    .update(module.source)
    .update(module.sourceMap ?? "")
    .digest("hex");
}

export async function evaluatePush(
  request: StartPushRequest,
  context: PushContext,
): Promise<EvaluatedPush> {
  const { evaluator, systemEnv, lacks } = context;
  const appEnv = { ...systemEnv, ...context.userEnv };
  const app = request.appDefinition;
  const appModules = [
    ...app.changedModules,
    ...takeOver(app.unchangedModuleHashes, context.deployedModules),
  ];
  const metadata = await evaluateDefinitions(evaluator, request, appEnv);
  const definitions: Record<string, EvaluatedDefinition> = {};
  const parts = [
    {
      path: ROOT,
      modules: appModules,
      schema: app.schema,
      version: app.udfServerVersion,
      env: appEnv,
    },
    ...request.componentDefinitions.map((component) => ({
      path: component.definitionPath,
      modules: component.functions,
      schema: component.schema,
      version: component.udfServerVersion,
      env: systemEnv,
    })),
  ];
  for (const part of parts) {
    const definition = metadata.get(part.path);
    // Pushed along, but imported by nobody.
    if (definition === undefined) continue;
    const analysis = await analyzeModules(evaluator, part.modules, part.env);
    definitions[part.path] = {
      definition:
        part.path === ROOT
          ? definition
          : {
              ...definition,
              exports: {
                type: "branch",
                branch: exportNodes(fileBasedExports(analysis)),
              },
            },
      schema:
        part.schema === null
          ? null
          : await evaluateSchema(evaluator, part.schema, lacks),
      analysis,
      modules: part.modules,
      udfServerVersion: part.version,
    };
  }
  return { definitions, app: mountApp(definitions, !request.forCodegen) };
}

function takeOver(
  hashes: ModuleHash[],
  deployed: ModuleSource[],
): ModuleSource[] {
  const byPath = new Map(deployed.map((module) => [module.path, module]));
  return hashes.map((wanted) => {
    const module = byPath.get(wanted.path);
    if (
      module === undefined ||
      module.environment !== wanted.environment ||
      moduleHash(module) !== wanted.sha256
    ) {
      throw badRequest(
        "RaceDetected",
        `The module ${wanted.path} is not deployed with the hash ${wanted.sha256} any more: another push came in between. Push again.`,
      );
    }
    return module;
  });
}
