/**
 * Environment variables are strings, declared with validators that may narrow
 * them: `v.string()`, a literal, or a union of these.
 */
import type { EnvDeclaration } from "./evaluated.js";

type StringValidator =
  | { type: "string" }
  | { type: "literal"; value: unknown }
  | { type: "union"; value: StringValidator[] }
  | { type: string };

/** The literals allowed, or null when any string is. */
function allowed(validator: StringValidator): Set<string> | null {
  if (validator.type === "literal") {
    return new Set([String((validator as { value: unknown }).value)]);
  }
  if (validator.type === "union") {
    const literals = new Set<string>();
    for (const option of (validator as { value: StringValidator[] }).value) {
      const some = allowed(option);
      if (some === null) return null;
      for (const literal of some) literals.add(literal);
    }
    return literals;
  }
  return null;
}

function allowedBy(declaration: EnvDeclaration): Set<string> | null {
  return allowed(JSON.parse(declaration.value) as StringValidator);
}

/** What is wrong with `value`, or null. */
export function checkEnvValue(
  declaration: EnvDeclaration,
  value: string,
): string | null {
  const literals = allowedBy(declaration);
  if (literals === null || literals.has(value)) return null;
  return `${JSON.stringify(value)} is not one of ${[...literals].map((literal) => JSON.stringify(literal)).join(", ")}`;
}

/** Every value `source` allows is allowed by `target`. */
export function satisfies(
  source: EnvDeclaration,
  target: EnvDeclaration,
): boolean {
  const to = allowedBy(target);
  if (to === null) return true;
  const from = allowedBy(source);
  return from !== null && [...from].every((literal) => to.has(literal));
}
