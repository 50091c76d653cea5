/** Reading GitHub's payloads as far as the page shows them. */

type Payload = Record<string, unknown>;

/** The payload, or `null` when the body is not a JSON object. */
export function parsePayload(body: string): Payload | null {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** For example `issues.opened` about `Codertocat/Hello-World`. */
export function describeEvent(
  name: string,
  payload: Payload,
): { title: string; subject: string } {
  const { action, repository, organization } = payload;
  return {
    title: typeof action === "string" ? `${name}.${action}` : name,
    subject:
      text(repository, "full_name") ?? text(organization, "login") ?? "GitHub",
  };
}

function text(owner: unknown, field: string): string | undefined {
  const value = isObject(owner) ? owner[field] : undefined;
  return typeof value === "string" ? value : undefined;
}

function isObject(value: unknown): value is Payload {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
