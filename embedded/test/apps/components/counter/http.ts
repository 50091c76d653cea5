import { anyApi, httpActionGeneric, httpRouter } from "convex/server";

const http = httpRouter();

http.route({
  path: "/value",
  method: "GET",
  handler: httpActionGeneric(async (ctx, request) => {
    const name = new URL(request.url).searchParams.get("name") ?? "";
    const value: number | null = await ctx.runQuery(anyApi.counts!.get!, {
      name,
    });
    return Response.json({ value });
  }),
});

export default http;
