import { useQuery } from "convex/react";
import { useId } from "react";
import { api } from "../convex/_generated/api.js";
import { CancelAll } from "./CancelAll.js";
import { matching } from "./counts.js";
import { DeliveryTable } from "./DeliveryTable.js";
import { useLatest } from "./latest.js";
import { RedeliverAll } from "./RedeliverAll.js";
import { StateFilter } from "./StateFilter.js";
import type { Endpoint } from "./types.js";
import { useView } from "./useView.js";
import { counted, deliveries } from "./words.js";

const PAGE_SIZE = 25;

export function Deliveries({
  endpoints,
}: {
  endpoints: Endpoint[] | undefined;
}) {
  const id = useId();
  const [view, change] = useView();
  const { state, from } = view;
  const endpoint = endpoints?.find(({ name }) => name === view.endpoint);
  const isUnknown = Boolean(endpoints && view.endpoint && !endpoint);
  const isKnown = !view.endpoint || Boolean(endpoint);
  const answer = useQuery(
    api.deliveries.page,
    isKnown
      ? { state, endpointId: endpoint?._id, from, count: PAGE_SIZE }
      : "skip",
  );
  const latest = useLatest(answer);
  const shown = isUnknown ? { rows: [], next: null } : latest;
  const count = endpoints && matching(endpoints, view);

  return (
    <section aria-labelledby={id}>
      <div className="section-head">
        <h2 id={id}>Deliveries</h2>
        {count && (
          <p className="muted" data-testid="count">
            {deliveries(count.all)}
          </p>
        )}
        {count && (
          <div className="section-actions">
            <RedeliverAll failed={count.redeliverable} endpoint={endpoint} />
            <CancelAll pending={count.pending} endpoint={endpoint} />
          </div>
        )}
      </div>
      <div className="filters">
        <StateFilter
          value={state}
          onChange={(state) =>
            change({ state, from: undefined, delivery: undefined })
          }
        />
        <select
          aria-label="Endpoint"
          value={view.endpoint ?? ""}
          onChange={(event) =>
            change({
              endpoint: event.target.value || undefined,
              from: undefined,
              delivery: undefined,
            })
          }
        >
          <option value="">All endpoints</option>
          {isUnknown && <option>{view.endpoint}</option>}
          {endpoints?.map(({ _id, name }) => (
            <option key={_id}>{name}</option>
          ))}
        </select>
      </div>
      <DeliveryTable
        labelledBy={id}
        isBusy={answer === undefined && !isUnknown}
        rows={shown?.rows}
        selected={view.delivery}
        onSelect={(delivery) => change({ delivery })}
      />
      {shown?.rows.length === 0 && (
        <p className="empty">
          {isUnknown
            ? `No endpoint is called ${view.endpoint}.`
            : from
              ? "No deliveries are left from here on."
              : "No deliveries here. Send some webhooks."}
        </p>
      )}
      {shown && (from || shown.next) && (
        <nav className="pager" aria-label="Pages">
          {from && (
            <button type="button" onClick={() => change({ from: undefined })}>
              Back to the top
            </button>
          )}
          <p className="muted">
            {counted(shown.rows.length, "row")} shown
            {count && ` of ${count.all.toLocaleString("en")}`}
          </p>
          {shown.next && (
            <button
              type="button"
              onClick={() => change({ from: shown.next ?? undefined })}
            >
              Next {PAGE_SIZE}
            </button>
          )}
        </nav>
      )}
    </section>
  );
}
