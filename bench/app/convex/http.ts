/** Where the user's own HTTP action is. */
import { httpRouter } from "convex/server";
import { request } from "./neighbours.js";

const http = httpRouter();
http.route({ path: "/neighbour", method: "GET", handler: request });

export default http;
