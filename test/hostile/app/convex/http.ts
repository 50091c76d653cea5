import { httpActionGeneric, httpRouter } from "convex/server";

const http = httpRouter();
http.route({
  path: "/echo",
  method: "POST",
  handler: httpActionGeneric(
    async (_ctx, request) => new Response(await request.text()),
  ),
});
http.route({
  path: "/url",
  method: "GET",
  handler: httpActionGeneric(
    async (_ctx, request) => new Response(request.url),
  ),
});
export default http;
