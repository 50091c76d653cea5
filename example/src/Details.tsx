import { Fragment, type ReactNode } from "react";
import { headline } from "./errors.js";
import { Time } from "./Time.js";
import { duration } from "./times.js";
import type { Attempt, Delivery } from "./types.js";

/** What became of a delivery, attempt by attempt. */
export function Details({
  delivery,
  dueAt,
}: {
  delivery: Delivery;
  dueAt: number | undefined;
}) {
  const { guid, attempts, settledAt, error, redeliveries } = delivery;
  const begunAt = redeliveries?.at(-1)?.at ?? delivery._creationTime;
  return (
    <>
      <dl>
        <div>
          <dt>GitHub delivery</dt>
          <dd>
            <code>{guid}</code>
          </dd>
        </div>
        {settledAt !== undefined && (
          <div>
            <dt>Settled</dt>
            <dd>
              <Time at={settledAt} />, after {duration(settledAt - begunAt)}
            </dd>
          </div>
        )}
        {dueAt !== undefined && (
          <div>
            <dt>Next attempt</dt>
            <dd>
              <Time at={dueAt} />
            </dd>
          </div>
        )}
      </dl>
      {attempts.length > 0 ? (
        <Attempts delivery={delivery} />
      ) : (
        <p className="muted">
          {error ? headline(error) : "No attempt so far."}
        </p>
      )}
    </>
  );
}

function Attempts({ delivery }: { delivery: Delivery }) {
  const { attempts, phase, redeliveries = [] } = delivery;
  const redelivered = (attemptsBefore: number): ReactNode =>
    redeliveries
      .filter((each) => each.attemptsBefore === attemptsBefore)
      .map(({ at }) => (
        <tr key={`redelivered ${at}`} className="redelivered">
          <td colSpan={4}>
            Redelivered at <Time at={at} />
          </td>
        </tr>
      ));
  return (
    <table className="attempts" aria-label="Attempts">
      <thead>
        <tr>
          <th scope="col" className="number">
            Attempt
          </th>
          <th scope="col">Started</th>
          <th scope="col">Took</th>
          <th scope="col">Answer</th>
        </tr>
      </thead>
      <tbody>
        {attempts.map((attempt, index) => (
          <Fragment key={index}>
            {redelivered(index)}
            <tr>
              <td className="number">{index + 1}</td>
              <td>
                <Time at={attempt.startedAt} />
              </td>
              <td>
                {attempt.durationMs === undefined
                  ? "–"
                  : duration(attempt.durationMs)}
              </td>
              <td>
                <Answer
                  attempt={attempt}
                  isRunning={
                    phase === "running" && index === attempts.length - 1
                  }
                />
              </td>
            </tr>
          </Fragment>
        ))}
        {redelivered(attempts.length)}
      </tbody>
    </table>
  );
}

function Answer({
  attempt: { httpStatus, error },
  isRunning,
}: {
  attempt: Attempt;
  isRunning: boolean;
}) {
  if (httpStatus === undefined && error === undefined) {
    return isRunning ? "waiting for it …" : "not known yet";
  }
  return (
    <>
      {httpStatus !== undefined && (
        <code className="status" data-tone={error ? "failed" : "success"}>
          {httpStatus}
        </code>
      )}{" "}
      {error && headline(error)}
    </>
  );
}
