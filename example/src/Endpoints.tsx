import { useId } from "react";
import { pendingOf } from "./counts.js";
import { healthOf } from "./health.js";
import type { Endpoint } from "./types.js";
import { counted } from "./words.js";

const EVENTS_SHOWN = 1;

export function Endpoints({
  endpoints,
}: {
  endpoints: Endpoint[] | undefined;
}) {
  const id = useId();
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>Endpoints</h2>
      <ul className="endpoints">
        {endpoints?.map((endpoint) => (
          <EndpointCard key={endpoint._id} endpoint={endpoint} />
        ))}
      </ul>
      {endpoints?.length === 0 && (
        <p className="empty">
          No endpoints yet. <code>npx convex run endpoints:register</code> adds
          some.
        </p>
      )}
    </section>
  );
}

function EndpointCard({ endpoint }: { endpoint: Endpoint }) {
  const { name, url, counts, recent } = endpoint;
  const health = healthOf(recent);
  const tally = [
    ["delivered", counts.success],
    ["pending", pendingOf(counts)],
    ["failed", counts.failed],
    ["canceled", counts.canceled],
  ] as const;
  return (
    <li className="endpoint" aria-label={name}>
      <div className="endpoint-head">
        <h3>{name}</h3>
        <span className="badge" data-health={health}>
          {health}
        </span>
      </div>
      <p className="endpoint-url">{url}</p>
      <Subscriptions events={endpoint.events} />
      <div
        className="strip"
        role="img"
        aria-label={`${counted(recent.length, "outcome")}, the newest at the end`}
      >
        {recent.map((state, index) => (
          <i key={index} data-tone={state} />
        ))}
      </div>
      <dl className="tally">
        {tally.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </li>
  );
}

function Subscriptions({ events }: { events: string[] }) {
  const named = events.includes("*") ? ["all events"] : events;
  const hidden = named.slice(EVENTS_SHOWN);
  return (
    <p className="chips" title={named.join(", ")}>
      {named.slice(0, EVENTS_SHOWN).map((event) => (
        <span key={event}>{event}</span>
      ))}
      {hidden.length > 0 && <span>+{hidden.length}</span>}
    </p>
  );
}
