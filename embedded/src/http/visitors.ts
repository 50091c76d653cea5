/**
 * Which pages may call the deployment. It listens on the developer's machine,
 * where any site that is open in a browser can send it requests, and users need
 * not prove who they are. So, unlike Convex, it answers local pages only:
 *
 * - A browser says which page a request is from (`Origin`), also when it opens a
 *   WebSocket. Another site's is refused, and not told anything.
 * - A site can have its own name lead to 127.0.0.1 (DNS rebinding): then its pages
 *   and the deployment are one for the browser. But the request still carries the
 *   name (`Host`), and the deployment does not go by it.
 *
 * Programs send no `Origin` and are none of this concern.
 */
import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import { describe } from "./describe.js";
import { ApiError, badRequest } from "./errors.js";

export class Visitors {
  readonly #names: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  /**
   * @param host The address that the deployment listens on.
   * @param allowedOrigins What else may call: its pages, and by its name.
   */
  constructor(host: string, allowedOrigins: readonly string[]) {
    this.#origins = new Set(allowedOrigins);
    this.#names = new Set([
      host.toLowerCase(),
      ...allowedOrigins.map((origin) => new URL(origin).hostname),
    ]);
  }

  /** Throws unless the deployment goes by the name that the request calls it. */
  checkHost(headers: IncomingHttpHeaders): void {
    hostnameOf(headers, this.#names);
  }

  /** Throws, also, when the request is from a page that may not call. */
  check(headers: IncomingHttpHeaders): void {
    const host = hostnameOf(headers, this.#names);
    const { origin } = headers;
    if (origin === undefined || this.#origins.has(origin)) return;
    const from = URL.canParse(origin) ? new URL(origin).hostname : "";
    // A page from the same machine as the deployment, by whatever address.
    if (from !== "" && (isLocal(from) || from === host)) return;
    throw new ApiError(
      403,
      "OriginNotAllowed",
      `Pages of ${describe(origin)} may not call this deployment, only pages of this machine. To let them, start it with --allow-origin ${describe(origin)}.`,
    );
  }
}

/** Null: the request does not say. Addresses are good: only names can be led astray. */
function hostnameOf(
  { host }: IncomingHttpHeaders,
  names: ReadonlySet<string>,
): string | null {
  if (host === undefined) return null;
  if (!URL.canParse(`http://${host}`)) {
    throw badRequest("InvalidHost", `${describe(host)} is not a host.`);
  }
  const { hostname } = new URL(`http://${host}`);
  if (isAddress(hostname) || isLocal(hostname) || names.has(hostname)) {
    return hostname;
  }
  throw new ApiError(
    403,
    "HostNotAllowed",
    `This deployment does not go by the name ${describe(hostname)}. To let it, start it with --allow-origin ${describe(`http://${host}`)}.`,
  );
}

function isLocal(hostname: string): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    (isIP(hostname) === 4 && hostname.startsWith("127."))
  );
}

function isAddress(hostname: string): boolean {
  return isIP(hostname) === 4 || hostname.startsWith("[");
}
