/** Ingress: where GitHub sends its webhooks. */
import { httpRouter } from "convex/server";
import { internal } from "./_generated/api.js";
import { env, httpAction } from "./_generated/server.js";
import { describeEvent, parsePayload } from "./github.js";
import { isSignedByGitHub } from "./signing.js";

/** A document holds at most 1 MiB; the rest is room for its other fields. */
const MAX_BODY_BYTES = 1_000_000;

const http = httpRouter();

http.route({
  path: "/github",
  method: "POST",
  handler: httpAction(async (ctx, request) => {
    const bytes = await request.arrayBuffer();
    if (bytes.byteLength > MAX_BODY_BYTES) {
      return answer(
        413,
        `the body has ${bytes.byteLength} bytes; at most ${MAX_BODY_BYTES} are accepted`,
      );
    }
    const signature = request.headers.get("x-hub-signature-256");
    if (
      !(await isSignedByGitHub(env.GITHUB_WEBHOOK_SECRET, bytes, signature))
    ) {
      return answer(401, "X-Hub-Signature-256 does not match the body");
    }
    const guid = request.headers.get("x-github-delivery");
    const name = request.headers.get("x-github-event");
    if (!guid || !name) {
      return answer(400, "X-GitHub-Delivery or X-GitHub-Event is missing");
    }
    const body = new TextDecoder().decode(bytes);
    const payload = parsePayload(body);
    if (payload === null) {
      return answer(400, "the body is not a JSON object");
    }
    const deliveries = await ctx.runMutation(internal.events.accept, {
      guid,
      name,
      body,
      ...describeEvent(name, payload),
    });
    return deliveries === null
      ? answer(200, "already accepted")
      : answer(202, "accepted", { deliveries });
  }),
});

export default http;

function answer(status: number, message: string, more: object = {}): Response {
  return Response.json({ message, ...more }, { status });
}
