/**
 * The messages of the sync protocol, as the official clients speak it. What
 * comes in is checked; what goes out is typed.
 */
import type { JSONObject, JSONValue, Ts } from "../storage/types.js";
import { describe } from "../http/describe.js";
import { badRequest } from "../http/errors.js";
import { parseArguments, parseFunctionPath } from "../http/arguments.js";

/** A timestamp on the wire: base64 of a little-endian u64. */
export type EncodedTs = string;

export function encodeTs(ts: Ts): EncodedTs {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(ts);
  return buffer.toString("base64");
}

export function decodeTs(encoded: unknown): Ts {
  const buffer =
    typeof encoded === "string" ? Buffer.from(encoded, "base64") : null;
  if (buffer?.length !== 8) {
    throw badRequest(
      "InvalidTimestamp",
      `${describe(encoded)} is not a timestamp: it must be the base64 of 8 bytes.`,
    );
  }
  return buffer.readBigUInt64LE();
}

export interface FunctionCall {
  requestId: number;
  /** "mod/path:fn" */
  name: string;
  args: JSONObject;
  componentPath: string | null;
}

export interface AddQuery {
  type: "Add";
  queryId: number;
  /** "mod/path:fn" */
  name: string;
  args: JSONObject;
  componentPath: string | null;
  journal: string | null;
}

export type QuerySetModification =
  AddQuery | { type: "Remove"; queryId: number };

export type ClientMessage =
  | {
      type: "Connect";
      sessionId: string;
      maxObservedTimestamp: Ts | null;
    }
  | {
      type: "ModifyQuerySet";
      baseVersion: number;
      newVersion: number;
      modifications: QuerySetModification[];
    }
  | ({ type: "Mutation" } & FunctionCall)
  | ({ type: "Action" } & FunctionCall)
  | {
      type: "Authenticate";
      tokenType: "Admin" | "User" | "None";
      value: string;
      impersonating: boolean;
      baseVersion: number;
    }
  | { type: "Event" };

export interface StateVersion {
  querySet: number;
  identity: number;
  ts: EncodedTs;
}

export type StateModification =
  | {
      type: "QueryUpdated";
      queryId: number;
      value: JSONValue;
      logLines: string[];
      journal: string | null;
    }
  | {
      type: "QueryFailed";
      queryId: number;
      errorMessage: string;
      errorData?: JSONValue;
      logLines: string[];
      journal: string | null;
    }
  | { type: "QueryRemoved"; queryId: number };

export interface Transition {
  type: "Transition";
  startVersion: StateVersion;
  endVersion: StateVersion;
  modifications: StateModification[];
}

interface FailedResponse {
  requestId: number;
  success: false;
  result: string;
  errorData?: JSONValue;
  logLines: string[];
}

export type ServerMessage =
  | Transition
  | {
      type: "TransitionChunk";
      chunk: string;
      partNumber: number;
      totalParts: number;
      transitionId: string;
    }
  | ({ type: "MutationResponse" } & (
      | {
          requestId: number;
          success: true;
          result: JSONValue;
          ts: EncodedTs;
          logLines: string[];
        }
      | FailedResponse
    ))
  | ({ type: "ActionResponse" } & (
      | {
          requestId: number;
          success: true;
          result: JSONValue;
          logLines: string[];
        }
      | FailedResponse
    ))
  | {
      type: "AuthError";
      error: string;
      baseVersion: number;
      authUpdateAttempted: boolean;
    }
  | { type: "FatalError"; error: string }
  | { type: "Ping" };

type Json = Record<string, unknown>;

function invalid(what: string): never {
  throw badRequest(
    "WSMessageInvalidJson",
    `Received Invalid JSON on websocket: ${what}`,
  );
}

function object(value: unknown, what: string): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Json)
    : invalid(`${what} must be an object`);
}

function text(message: Json, key: string): string {
  const value = message[key];
  return typeof value === "string"
    ? value
    : invalid(`"${key}" must be a string`);
}

/** Versions and ids are unsigned 32-bit integers. */
function number(message: Json, key: string): number {
  const value = message[key];
  return typeof value === "number" &&
    Number.isInteger(value) &&
    value >= 0 &&
    value <= 0xffff_ffff
    ? value
    : invalid(`"${key}" must be an integer from 0 to 4294967295`);
}

function optionalText(message: Json, key: string): string | null {
  return message[key] === undefined || message[key] === null
    ? null
    : text(message, key);
}

function call(message: Json): FunctionCall {
  return {
    requestId: number(message, "requestId"),
    name: parseFunctionPath(message.udfPath),
    args: parseArguments(message.args),
    componentPath: optionalText(message, "componentPath"),
  };
}

function modification(value: unknown): QuerySetModification {
  const message = object(value, "a modification");
  switch (message.type) {
    case "Add":
      return {
        type: "Add",
        queryId: number(message, "queryId"),
        name: parseFunctionPath(message.udfPath),
        args: parseArguments(message.args),
        componentPath: optionalText(message, "componentPath"),
        journal: optionalText(message, "journal"),
      };
    case "Remove":
      return { type: "Remove", queryId: number(message, "queryId") };
    default:
      return invalid(`unknown modification ${describe(message.type)}`);
  }
}

export function parseClientMessage(data: string): ClientMessage {
  let parsed: unknown;
  try {
    parsed = JSON.parse(data);
  } catch (error) {
    invalid((error as Error).message);
  }
  const message = object(parsed, "a message");
  switch (message.type) {
    case "Connect":
      return {
        type: "Connect",
        sessionId: text(message, "sessionId"),
        maxObservedTimestamp:
          message.maxObservedTimestamp == null
            ? null
            : decodeTs(message.maxObservedTimestamp),
      };
    case "ModifyQuerySet":
      return {
        type: "ModifyQuerySet",
        baseVersion: number(message, "baseVersion"),
        newVersion: number(message, "newVersion"),
        modifications: Array.isArray(message.modifications)
          ? message.modifications.map(modification)
          : invalid('"modifications" must be an array'),
      };
    case "Mutation":
      return { type: "Mutation", ...call(message) };
    case "Action":
      return { type: "Action", ...call(message) };
    case "Authenticate": {
      const { tokenType } = message;
      if (
        tokenType !== "Admin" &&
        tokenType !== "User" &&
        tokenType !== "None"
      ) {
        invalid(`unknown token type ${describe(tokenType)}`);
      }
      return {
        type: "Authenticate",
        tokenType,
        value: tokenType === "None" ? "" : text(message, "value"),
        impersonating: message.impersonating != null,
        baseVersion: number(message, "baseVersion"),
      };
    }
    case "Event":
      return { type: "Event" };
    default:
      return invalid(`unknown message type ${describe(message.type)}`);
  }
}
