import { useMutation } from "convex/react";
import { useId, useState } from "react";
import { api } from "../convex/_generated/api.js";
import { headline } from "./errors.js";
import { useNotices } from "./notice.js";
import type { Delivery } from "./types.js";

const PHASE_LABELS: Record<Delivery["phase"], string> = {
  queued: "Queued",
  running: "Running",
  retrying: "Retrying",
  success: "Delivered",
  failed: "Failed",
  canceled: "Canceled",
};

export function DeliveryRow({ delivery }: { delivery: Delivery }) {
  const [open, setOpen] = useState(false);
  const detailsId = useId();
  const { title, subject, endpoint, phase, attempts, error } = delivery;
  return (
    <>
      <tr data-phase={phase}>
        <th scope="row">
          <button
            type="button"
            className="disclosure"
            aria-expanded={open}
            aria-controls={detailsId}
            onClick={() => setOpen(!open)}
          >
            <span className="event-title">{title}</span>
            <span className="event-subject">{subject}</span>
          </button>
        </th>
        <td>{endpoint}</td>
        <td>
          <span className="badge" data-phase={phase}>
            {PHASE_LABELS[phase]}
          </span>
        </td>
        <td className="number">{attempts || null}</td>
        <td className="error">{error && headline(error)}</td>
        <td className="time">{clockTime(delivery._creationTime)}</td>
        <td className="actions">
          <RowAction delivery={delivery} />
        </td>
      </tr>
      <tr id={detailsId} className="details" hidden={!open}>
        <td colSpan={7}>{open && <Details delivery={delivery} />}</td>
      </tr>
    </>
  );
}

function RowAction({ delivery }: { delivery: Delivery }) {
  const cancel = useMutation(api.deliveries.cancel);
  const redeliver = useMutation(api.deliveries.redeliver);
  const { attempt } = useNotices();
  const { _id: deliveryId, phase, title, endpoint, redeliveredAs } = delivery;
  const what = `${title} to ${endpoint}`;
  switch (phase) {
    case "queued":
    case "running":
    case "retrying":
      return (
        <button
          type="button"
          aria-label={`Cancel ${what}`}
          onClick={() =>
            void attempt(`Canceling ${what}`, () => cancel({ deliveryId }))
          }
        >
          Cancel
        </button>
      );
    case "failed":
    case "canceled":
      return redeliveredAs ? (
        <span className="muted">Redelivered</span>
      ) : (
        <button
          type="button"
          aria-label={`Redeliver ${what}`}
          onClick={() =>
            void attempt(`Redelivering ${what}`, () =>
              redeliver({ deliveryId }),
            )
          }
        >
          Redeliver
        </button>
      );
    case "success":
      return null;
  }
}

function Details({ delivery }: { delivery: Delivery }) {
  const { guid, httpStatus, settledAt, error } = delivery;
  return (
    <dl>
      <div>
        <dt>GitHub delivery</dt>
        <dd>
          <code>{guid}</code>
        </dd>
      </div>
      {httpStatus !== undefined && (
        <div>
          <dt>HTTP status</dt>
          <dd>{httpStatus}</dd>
        </div>
      )}
      {settledAt !== undefined && (
        <div>
          <dt>Settled</dt>
          <dd>
            {clockTime(settledAt)}, after{" "}
            {seconds(settledAt - delivery._creationTime)}
          </dd>
        </div>
      )}
      {error && (
        <div className="wide">
          <dt>Last error</dt>
          <dd>
            <pre>{error}</pre>
          </dd>
        </div>
      )}
    </dl>
  );
}

function clockTime(ms: number): string {
  return new Date(ms).toLocaleTimeString("en-GB");
}

function seconds(ms: number): string {
  return `${(Math.max(ms, 0) / 1000).toFixed(1)} s`;
}
