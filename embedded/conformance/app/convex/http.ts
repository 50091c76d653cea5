import { anyApi, httpActionGeneric, httpRouter } from "convex/server";

const http = httpRouter();

http.route({
  path: "/echo",
  method: "POST",
  handler: httpActionGeneric(
    async (_ctx, request) =>
      new Response(
        `${request.method} ${request.headers.get("x-test")} ${await request.text()}`,
      ),
  ),
});

http.route({
  path: "/items",
  method: "POST",
  handler: httpActionGeneric(async (ctx, request) => {
    const value = (await request.json()) as unknown;
    const [id] = (await ctx.runMutation((anyApi.script as any).run, {
      steps: [{ op: "insert", table: "items", value }],
    })) as string[];
    return Response.json({ id }, { status: 201, headers: { "x-id": id! } });
  }),
});

http.route({
  path: "/bytes",
  method: "PUT",
  handler: httpActionGeneric(async (_ctx, request) => {
    const bytes = new Uint8Array(await request.arrayBuffer());
    return new Response(bytes.reverse(), {
      headers: { "content-type": "application/octet-stream" },
    });
  }),
});

http.route({
  pathPrefix: "/files/",
  method: "GET",
  handler: httpActionGeneric(
    async (_ctx, request) =>
      new Response(`prefix ${new URL(request.url).pathname}`),
  ),
});
http.route({
  pathPrefix: "/files/deep/",
  method: "GET",
  handler: httpActionGeneric(async () => new Response("the longer prefix")),
});
http.route({
  path: "/files/exact",
  method: "GET",
  handler: httpActionGeneric(async () => new Response("the exact path")),
});

http.route({
  path: "/fail",
  method: "GET",
  handler: httpActionGeneric(async () => {
    throw new Error("went wrong");
  }),
});

http.route({
  path: "/redirect",
  method: "GET",
  handler: httpActionGeneric(
    async () =>
      new Response(null, { status: 302, headers: { location: "/echo" } }),
  ),
});

export default http;
