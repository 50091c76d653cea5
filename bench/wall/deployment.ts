/** A deployment in another process, on this machine and by its clock. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Answers, Question, Start } from "./server.js";

const SERVER = fileURLToPath(new URL("./server.ts", import.meta.url));

export interface Deployment {
  readonly url: string;
  readonly siteUrl: string;
  readonly adminKey: string;
  ask<Q extends Question>(question: Q): Promise<Answers[Q]>;
  stop(): Promise<void>;
}

export async function startDeployment(start: Start): Promise<Deployment> {
  const child = fork(SERVER, [JSON.stringify(start)], {
    execArgv: ["--import", "tsx"],
  });
  const exited = once(child, "exit");
  const died = exited.then(([code, signal]) => {
    throw new Error(`the deployment's process ended with ${signal ?? code}`);
  });
  died.catch(() => {});
  /** One question at a time, so the next message is its answer. */
  const nextMessage = async (): Promise<unknown> => {
    const [message] = (await Promise.race([once(child, "message"), died])) as [
      unknown,
    ];
    return message;
  };
  const ready = await nextMessage();
  const ask = async <Q extends Question>(question: Q): Promise<Answers[Q]> => {
    child.send(question);
    return (await nextMessage()) as Answers[Q];
  };
  return {
    ...(ready as Pick<Deployment, "url" | "siteUrl" | "adminKey">),
    ask,
    async stop() {
      await ask("stop");
      child.kill();
      await exited;
    },
  };
}
