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
  const { guid, attempts, settledAt, error } = delivery;
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
              <Time at={settledAt} />, after{" "}
              {duration(settledAt - delivery._creationTime)}
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

function Attempts({ delivery: { attempts, phase } }: { delivery: Delivery }) {
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
          <tr key={index}>
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
              <Answer attempt={attempt} isRunning={phase === "running"} />
            </td>
          </tr>
        ))}
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
