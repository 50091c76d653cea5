import { useMutation, useQuery } from "convex/react";
import { useId, useState } from "react";
import { api } from "../convex/_generated/api.js";
import { DeliveryRow } from "./DeliveryRow.js";
import { StateFilter } from "./StateFilter.js";
import { useLatest } from "./latest.js";
import { useNotices } from "./notice.js";
import type { DeliveryState, Endpoint } from "./types.js";

const PAGE_SIZE = 25;

export function Deliveries({
  endpoints,
}: {
  endpoints: Endpoint[] | undefined;
}) {
  const id = useId();
  const [state, setState] = useState<DeliveryState>();
  const [endpointId, setEndpointId] = useState<Endpoint["_id"]>();
  const [limit, setLimit] = useState(PAGE_SIZE);
  const answer = useQuery(api.deliveries.recent, { state, endpointId, limit });
  const shown = useLatest(answer);
  const cancelAll = useMutation(api.deliveries.cancelAll);
  const { attempt } = useNotices();

  return (
    <section aria-labelledby={id}>
      <div className="section-head">
        <h2 id={id}>Deliveries</h2>
        <button
          type="button"
          className="danger"
          onClick={() =>
            void attempt("Canceling everything pending", () => cancelAll())
          }
        >
          Cancel all
        </button>
      </div>
      <div className="filters">
        <StateFilter value={state} onChange={setState} />
        <select
          aria-label="Endpoint"
          value={endpointId ?? ""}
          onChange={(event) =>
            setEndpointId(
              endpoints?.find(({ _id }) => _id === event.target.value)?._id,
            )
          }
        >
          <option value="">All endpoints</option>
          {endpoints?.map(({ _id, name }) => (
            <option key={_id} value={_id}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <table
        className="deliveries"
        aria-labelledby={id}
        aria-busy={answer === undefined}
      >
        <thead>
          <tr>
            <th scope="col">Event</th>
            <th scope="col">Endpoint</th>
            <th scope="col">State</th>
            <th scope="col" className="number">
              Attempts
            </th>
            <th scope="col">Last error</th>
            <th scope="col">Accepted</th>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {shown?.rows.map((delivery) => (
            <DeliveryRow key={delivery._id} delivery={delivery} />
          ))}
        </tbody>
      </table>
      {shown?.rows.length === 0 && (
        <p className="empty">No deliveries here. Send some webhooks.</p>
      )}
      {shown?.more && (
        <button type="button" onClick={() => setLimit(limit + PAGE_SIZE)}>
          Show more
        </button>
      )}
    </section>
  );
}
