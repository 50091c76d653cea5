/** The rules for the deployment's environment variables. */
import { badRequest } from "../http/errors.js";
import { checkEnvValue } from "./envValidators.js";
import type { EnvDeclaration } from "./evaluated.js";
import type { EnvChange } from "./store.js";

type Declarations = [string, EnvDeclaration][];

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const MAX_NAME_LENGTH = 40;
const MAX_VALUE_BYTES = 8192;
const MAX_VARIABLES = 1000;
const BUILT_IN = ["CONVEX_CLOUD_URL", "CONVEX_SITE_URL"];

/** The variables after `changes`, or an error naming the one that cannot be. */
export function checkEnvChanges(
  current: Record<string, string>,
  changes: EnvChange[],
  declarations: Declarations,
): Record<string, string> {
  const declared = new Map(declarations);
  const next = { ...current };
  for (const { name, value } of changes) {
    checkName(name);
    const declaration = declared.get(name);
    if (value === null) {
      if (declaration !== undefined && declaration.optional !== true) {
        throw badRequest(
          "RequiredEnvironmentVariable",
          `Environment variable "${name}" cannot be removed: convex.config.ts declares it as required.`,
        );
      }
      delete next[name];
      continue;
    }
    checkValue(name, value);
    if (declaration !== undefined) {
      const problem = checkEnvValue(declaration, value);
      if (problem !== null) throw invalidValue(name, problem);
    }
    next[name] = value;
  }
  if (Object.keys(next).length > MAX_VARIABLES) {
    throw badRequest(
      "TooManyEnvVars",
      `A deployment can have up to ${MAX_VARIABLES} environment variables, not ${Object.keys(next).length}.`,
    );
  }
  return next;
}

function checkName(name: string): void {
  if (!NAME.test(name) || name.length > MAX_NAME_LENGTH) {
    throw badRequest(
      "InvalidEnvVarName",
      `Environment variable name "${name}" is invalid: names have up to ${MAX_NAME_LENGTH} letters, digits and underscores and do not start with a digit.`,
    );
  }
  if (BUILT_IN.includes(name)) {
    throw badRequest(
      "EnvVarNameForbidden",
      `Environment variable with name "${name}" is built-in and cannot be overridden`,
    );
  }
}

function checkValue(name: string, value: string): void {
  const size = Buffer.byteLength(value);
  if (size > MAX_VALUE_BYTES) {
    throw badRequest(
      "EnvVarValueTooLarge",
      `The value of environment variable "${name}" has ${size} bytes; up to ${MAX_VALUE_BYTES} are allowed.`,
    );
  }
}

function invalidValue(name: string, problem: string) {
  return badRequest(
    "InvalidEnvVarValue",
    `Environment variable "${name}" has a value that convex.config.ts does not allow: ${problem}`,
  );
}

/** At the end of a push: what convex.config.ts declares must be there and fit. */
export function requireDeclaredEnv(
  declarations: Declarations,
  environment: Record<string, string>,
): void {
  const missing = declarations
    .filter(
      ([name, declaration]) =>
        declaration.optional !== true && environment[name] === undefined,
    )
    .map(([name]) => name);
  if (missing.length > 0) {
    throw badRequest(
      "MissingEnvironmentVariables",
      `Required environment variables are not set: ${missing.join(", ")}. Set them in the Convex dashboard or CLI before pushing.`,
    );
  }
  for (const [name, declaration] of declarations) {
    const value = environment[name];
    if (value === undefined) continue;
    const problem = checkEnvValue(declaration, value);
    if (problem !== null) throw invalidValue(name, problem);
  }
}
