/**
 * One client's side of the sync protocol, apart from its socket.
 *
 * The client's state has a version (query set, identity, timestamp). What it
 * asks for (queries added or removed, a change of identity) and what happens (a
 * commit that touches a result, a mutation's or action's end) make an update
 * wanted; updates run one at a time, and each sends one Transition from the
 * version before to the next, with every result that changed, all of them right
 * at the transition's timestamp. Whatever happens meanwhile waits for the next
 * update, so a burst of commits costs few of them.
 */
import { ApiError } from "../http/errors.js";
import type { Caller, FunctionOutcome } from "../runtime/types.js";
import type { Clock, Timer } from "../seams.js";
import type { Ts } from "../storage/types.js";
import type { SyncBackend } from "./backend.js";
import { Mutations } from "./mutations.js";
import {
  encodeTs,
  parseClientMessage,
  type ClientMessage,
  type FunctionCall,
  type QuerySetModification,
  type ServerMessage,
} from "./protocol.js";
import { QuerySet } from "./querySet.js";
import { actionResponse, mutationResponse } from "./responses.js";

/** Where the session's messages go. */
export interface SessionSocket {
  send(message: ServerMessage): void;
  /** Without a code: the client knows why from the message before. */
  close(code?: number, reason?: string): void;
  /** The client does not keep up: no further transition until `resume` is called. */
  readonly congested: boolean;
}

/** WebSocket close codes. */
const INTERNAL_ERROR = 1011;
const TRY_AGAIN_LATER = 1013;

const MAX_CONCURRENT_ACTIONS = 1000;
const RETRY_UPDATE_MS = { initial: 100, max: 5_000 };

export class SyncSession {
  readonly #backend: SyncBackend;
  readonly #socket: SessionSocket;
  readonly #clock: Clock;
  readonly #mutations: Mutations;
  readonly #queries: QuerySet;
  /** What the client knows. */
  #version = { querySet: 0, identity: 0, ts: 0n as Ts };
  /** What it has asked for. */
  #received = { querySet: 0, identity: 0 };
  #modifications: QuerySetModification[] = [];
  #caller: Caller = { kind: "client" };
  #sessionId: string | null = null;
  #actions = 0;
  #updateWanted = false;
  #updating = false;
  #timer: Timer | null = null;
  #closed = false;

  constructor(backend: SyncBackend, socket: SessionSocket) {
    this.#backend = backend;
    this.#socket = socket;
    this.#clock = backend.clock;
    this.#queries = new QuerySet(backend.queries, () => this.#wantUpdate());
    this.#mutations = new Mutations(backend.clock, {
      run: (call, caller) => this.#runMutation(call, caller),
      onOverflow: (code) => this.#fail(TRY_AGAIN_LATER, code),
      onTimeout: () => this.#fail(INTERNAL_ERROR, "InternalServerError"),
    });
  }

  /** Never throws: what is wrong with the message ends the session. */
  receive(data: string): void {
    if (this.#closed) return;
    try {
      this.#handle(parseClientMessage(data));
    } catch (error) {
      this.#end(error);
    }
  }

  /** The socket has room again. */
  resume(): void {
    if (this.#updateWanted) this.#wantUpdate();
  }

  /** The socket is gone, or the deployment stops. */
  dispose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#mutations.clear();
    this.#queries.dispose();
  }

  #fail(code: number, reason: string): void {
    if (this.#closed) return;
    this.dispose();
    this.#socket.close(code, reason);
  }

  /** The client takes it as its own fault and does not come back. */
  #fatal(error: string): void {
    if (this.#closed) return;
    this.dispose();
    this.#socket.send({ type: "FatalError", error });
    this.#socket.close();
  }

  #handle(message: ClientMessage): void {
    switch (message.type) {
      case "Connect":
        return this.#connect(message);
      case "ModifyQuerySet":
        return this.#modifyQuerySet(message);
      case "Authenticate":
        return this.#authenticate(message);
      case "Mutation":
        return this.#mutations.push(message, this.#caller);
      case "Action":
        return void this.#runAction(message, this.#caller);
      case "Event":
        return;
    }
  }

  #connect(message: ClientMessage & { type: "Connect" }): void {
    this.#sessionId = message.sessionId;
    const observed = message.maxObservedTimestamp;
    const latest = this.#backend.latestTs();
    if (observed !== null && observed > latest) {
      // Serving it would show the client a past it is beyond.
      this.#backend.onInternalError(
        new Error(
          `A client has observed the timestamp ${observed}, ahead of the latest one here, ${latest}: it knows another deployment, or data was lost.`,
        ),
      );
      this.#fail(INTERNAL_ERROR, "InternalServerError");
    }
  }

  #modifyQuerySet(message: ClientMessage & { type: "ModifyQuerySet" }): void {
    const current = this.#received.querySet;
    if (message.baseVersion !== current) {
      return this.#fatal(
        `BaseVersionMismatch: Base version ${message.baseVersion} passed up doesn't match the current version ${current}`,
      );
    }
    if (message.newVersion <= message.baseVersion) {
      return this.#fail(INTERNAL_ERROR, "InternalServerError");
    }
    this.#received.querySet = message.newVersion;
    this.#modifications.push(...message.modifications);
    this.#wantUpdate();
  }

  #authenticate(message: ClientMessage & { type: "Authenticate" }): void {
    if (message.baseVersion !== this.#received.identity) {
      return this.#fail(INTERNAL_ERROR, "InternalServerError");
    }
    const identity = this.#backend.authenticate(message);
    if ("error" in identity) {
      this.dispose();
      this.#socket.send({
        type: "AuthError",
        error: identity.error,
        baseVersion: this.#version.identity,
        authUpdateAttempted: true,
      });
      return this.#socket.close();
    }
    this.#caller = identity.caller;
    this.#received.identity += 1;
    this.#wantUpdate();
  }

  async #runMutation(call: FunctionCall, caller: Caller): Promise<void> {
    const done = await this.#guard(
      this.#backend.mutation(call, caller, this.#sessionId),
    );
    if (done === null || this.#closed || this.#lost(done.outcome)) return;
    this.#socket.send(mutationResponse(call.requestId, done));
    // The client counts the mutation as done when a transition reaches its timestamp.
    this.#wantUpdate();
  }

  async #runAction(call: FunctionCall, caller: Caller): Promise<void> {
    if (this.#actions >= MAX_CONCURRENT_ACTIONS) {
      return this.#fail(
        TRY_AGAIN_LATER,
        "TooManyInflightActionsForSingleClient",
      );
    }
    this.#actions += 1;
    const outcome = await this.#guard(
      this.#backend.action(call, caller, this.#sessionId),
    );
    this.#actions -= 1;
    if (outcome === null || this.#closed || this.#lost(outcome)) return;
    this.#socket.send(actionResponse(call.requestId, outcome));
    this.#wantUpdate();
  }

  /** A fault of the deployment ends the session: null. */
  async #guard<T>(call: Promise<T>): Promise<T | null> {
    try {
      return await call;
    } catch (error) {
      if (!this.#closed) this.#crash(error);
      return null;
    }
  }

  /** Whose fault it was decides how. */
  #end(error: unknown): void {
    if (error instanceof ApiError && error.status === 400) {
      this.#fatal(`${error.code}: ${error.message}`);
    } else {
      this.#crash(error);
    }
  }

  #crash(error: unknown): void {
    this.#backend.onInternalError(error);
    this.#fail(INTERNAL_ERROR, "InternalServerError");
  }

  /** What the deployment could not do is tried again by the client, on a new socket. */
  #lost(outcome: FunctionOutcome): boolean {
    if (outcome.ok || outcome.system !== true) return false;
    const code = outcome.code ?? "InternalServerError";
    this.#fail(
      code === "InternalServerError" ? INTERNAL_ERROR : TRY_AGAIN_LATER,
      code,
    );
    return true;
  }

  #wantUpdate(): void {
    this.#updateWanted = true;
    if (this.#closed || this.#updating || this.#timer !== null) return;
    // A turn later, so that everything of this turn goes into one update.
    this.#timer = this.#clock.schedule(0, () => {
      this.#timer = null;
      void this.#update();
    });
  }

  async #update(): Promise<void> {
    this.#updating = true;
    try {
      while (this.#updateWanted && !this.#closed && !this.#socket.congested) {
        this.#updateWanted = false;
        await this.#transition();
      }
    } catch (error) {
      this.#end(error);
    } finally {
      this.#updating = false;
    }
  }

  async #transition(): Promise<void> {
    const caller = this.#caller;
    const { querySet, identity } = this.#received;
    const modifications = this.#modifications;
    this.#modifications = [];
    this.#queries.apply(modifications);
    if (identity !== this.#version.identity) this.#queries.forgetResults();
    const ts = await this.#refresh(caller);
    if (ts === null) return;
    const startVersion = { ...this.#version, ts: encodeTs(this.#version.ts) };
    this.#version = { querySet, identity, ts };
    this.#socket.send({
      type: "Transition",
      startVersion,
      endVersion: { querySet, identity, ts: encodeTs(ts) },
      modifications: this.#queries.takeChanges(),
    });
  }

  /** Makes all results right at one timestamp, which it returns; null when the session ended meanwhile. */
  async #refresh(caller: Caller): Promise<Ts | null> {
    let backoff = RETRY_UPDATE_MS.initial;
    for (;;) {
      const ts = this.#backend.latestTs();
      try {
        await this.#queries.refresh(caller, ts);
        return this.#closed ? null : ts;
      } catch (error) {
        if (this.#closed) return null;
        // Overload, or the snapshot is no longer kept: the same again, later.
        this.#backend.onInternalError(error);
      }
      await this.#clock.sleep(backoff);
      backoff = Math.min(backoff * 2, RETRY_UPDATE_MS.max);
      if (this.#closed) return null;
    }
  }
}
