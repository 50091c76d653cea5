import { httpActionGeneric, httpRouter } from "convex/server";

const http = httpRouter();

http.route({
  path: "/currency",
  method: "GET",
  handler: httpActionGeneric(
    async () => new Response(process.env.CURRENCY ?? "none"),
  ),
});

export default http;
