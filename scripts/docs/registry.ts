/**
 * A package registry that has this package as packed from the checkout, so that it
 * can be installed by its name and version, like a reader will. Everything else is
 * redirected to the registry that npm is set up with.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

interface Packed {
  name: string;
  version: string;
  filename: string;
  integrity: string;
  shasum: string;
}

export interface Registry {
  url: string;
  close(): void;
}

export async function startRegistry(
  root: string,
  directory: string,
): Promise<Registry> {
  const npm = (...args: string[]) =>
    execFileSync("npm", args, { cwd: root, encoding: "utf8" });
  const packed = (
    JSON.parse(
      npm("pack", "--json", "--pack-destination", directory),
    ) as Packed[]
  )[0]!;
  const upstream = npm("config", "get", "registry").trim();
  const tarball = fs.readFileSync(path.join(directory, packed.filename));
  const manifest = JSON.parse(
    fs.readFileSync(path.join(root, "package.json"), "utf8"),
  ) as object;

  const server = createServer((request, response) => {
    const requested = request.url!.slice(1);
    // Another run may listen here with another build of the same version.
    response.setHeader("cache-control", "no-store");
    if (requested === packed.name) {
      const { name, version, integrity, shasum } = packed;
      const dist = { tarball: `${url}${packed.filename}`, integrity, shasum };
      response.setHeader("content-type", "application/json");
      response.end(
        JSON.stringify({
          name,
          "dist-tags": { latest: version },
          versions: { [version]: { ...manifest, dist } },
        }),
      );
    } else if (requested === packed.filename) {
      response.end(tarball);
    } else {
      const location = new URL(requested, upstream).href;
      response.writeHead(302, { location }).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    url,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
