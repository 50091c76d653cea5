/** Request bodies: bounded, decompressed, parsed. */
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { ApiError, badRequest } from "./errors.js";

function decoded(request: IncomingMessage): Readable {
  const encoding = request.headers["content-encoding"] ?? "identity";
  switch (encoding) {
    case "identity":
      return request;
    case "br":
      return request.pipe(createBrotliDecompress());
    case "gzip":
      return request.pipe(createGunzip());
    case "deflate":
      return request.pipe(createInflate());
    default:
      throw new ApiError(
        415,
        "UnsupportedContentEncoding",
        `The content encoding ${JSON.stringify(encoding)} is not known: send the body as it is, or in br, gzip or deflate.`,
      );
  }
}

/** `limit` counts after decompression. */
export async function readText(
  request: IncomingMessage,
  limit: number,
): Promise<string> {
  if (Number(request.headers["content-length"] ?? 0) > limit) {
    throw tooLarge(limit);
  }
  const stream = decoded(request);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream) {
      size += (chunk as Buffer).length;
      if (size > limit) throw tooLarge(limit);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw badRequest(
      "InvalidBody",
      `The request's body cannot be read: ${(error as Error).message}`,
    );
  }
  return Buffer.concat(chunks).toString("utf8");
}

function tooLarge(limit: number): ApiError {
  return new ApiError(
    413,
    "RequestTooLarge",
    `The request's body is longer than ${limit} bytes.`,
  );
}

export async function readJson(
  request: IncomingMessage,
  limit: number,
): Promise<unknown> {
  const text = await readText(request, limit);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw badRequest(
      "InvalidJson",
      `The request's body is not JSON: ${withoutQuotation((error as Error).message)}`,
    );
  }
}

/** V8 quotes what it could not parse, and that may be part of a secret. */
function withoutQuotation(message: string): string {
  return message.replace(/, (\.\.\.)?".*is not valid JSON$/s, "");
}
