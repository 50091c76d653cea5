/** Real payloads: every example that the package collects. */
import { createRequire } from "node:module";

export interface Sample {
  /** The event's name, as in `X-GitHub-Event`. */
  name: string;
  payload: unknown;
}

interface Definition {
  name: string;
  examples: unknown[];
}

const definitions = createRequire(import.meta.url)(
  "@octokit/webhooks-examples",
) as Definition[];

export const samples: Sample[] = definitions.flatMap(({ name, examples }) =>
  examples.map((payload) => ({ name, payload })),
);
