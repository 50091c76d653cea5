import { anyApi, httpActionGeneric, httpRouter } from "convex/server";

const http = httpRouter();

http.route({
  path: "/messages",
  method: "POST",
  handler: httpActionGeneric(async (ctx, request) => {
    const { channel, body } = (await request.json()) as {
      channel: string;
      body: string;
    };
    const id: string = await ctx.runMutation(anyApi.messages!.send!, {
      channel,
      body,
    });
    return new Response(JSON.stringify({ id }), {
      status: 201,
      headers: { "content-type": "application/json", "x-from": "http.ts" },
    });
  }),
});

http.route({
  pathPrefix: "/echo/",
  method: "GET",
  handler: httpActionGeneric(
    async (_ctx, request) => new Response(new URL(request.url).pathname),
  ),
});

export default http;
