const MAX_LENGTH = 100;

/** What somebody sent, as refusals quote it: not more than fits into a sentence. */
export function describe(value: unknown): string {
  let json: string;
  try {
    json = JSON.stringify(value) ?? "nothing";
  } catch {
    // JSON.parse reads what is nested more deeply than JSON.stringify can write.
    return "something nested too deeply to be shown";
  }
  return json.length > MAX_LENGTH ? `${json.slice(0, MAX_LENGTH)}…` : json;
}
