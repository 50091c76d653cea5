/** Which component's http.ts answers a request, and under which path it knows it. */
import type { App, HttpRoute } from "./types.js";

export interface RouteMatch {
  component: string;
  /** The request's path without the prefix under which the component is mounted. */
  path: string;
}

/** An exact route wins over prefixes, a longer prefix over a shorter one. */
export function matchRoute(
  app: App,
  method: string,
  path: string,
): RouteMatch | null {
  // Routers answer HEAD with their GET routes.
  const wanted = method === "HEAD" ? "GET" : method;
  let best: (RouteMatch & { rank: number }) | null = null;
  for (const [mount, component] of Object.entries(app.httpMounts)) {
    const base = mount.replace(/\/+$/, "");
    if (base !== "" && path !== base && !path.startsWith(`${base}/`)) continue;
    const inner = path.slice(base.length) || "/";
    for (const route of routesOf(app, component)) {
      if (route.method !== wanted) continue;
      const rank = rankOf(route, inner);
      if (rank === null) continue;
      const total = rank === Infinity ? rank : rank + base.length;
      if (best === null || total > best.rank) {
        best = { component, path: inner, rank: total };
      }
    }
  }
  return best === null ? null : { component: best.component, path: best.path };
}

function routesOf(app: App, component: string): HttpRoute[] {
  const instance = app.components[component];
  return app.definitions[instance?.definitionPath ?? ""]?.httpRoutes ?? [];
}

/** Null: no match; otherwise the length of what matched, Infinity for all of it. */
function rankOf(route: HttpRoute, path: string): number | null {
  if (!route.path.endsWith("*")) return route.path === path ? Infinity : null;
  const prefix = route.path.slice(0, -1);
  return path.startsWith(prefix) ? prefix.length : null;
}
