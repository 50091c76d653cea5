import { useId } from "react";
import { Details } from "./Details.js";
import { headline } from "./errors.js";
import { RowAction } from "./RowAction.js";
import { Time } from "./Time.js";
import type { Delivery } from "./types.js";

const PHASE_LABELS: Record<Delivery["phase"], string> = {
  queued: "Queued",
  claimed: "Handed over",
  running: "Running",
  retrying: "Retrying",
  finishing: "Finishing",
  success: "Delivered",
  failed: "Failed",
  canceled: "Canceled",
};

export function DeliveryRow({
  delivery,
  dueAt,
  isOpen,
  onToggle,
}: {
  delivery: Delivery;
  /** When it is tried next, if that is known. */
  dueAt: number | undefined;
  isOpen: boolean;
  onToggle: () => void;
}) {
  const detailsId = useId();
  const { title, subject, endpoint, phase, attempts, error } = delivery;
  return (
    <>
      <tr data-phase={phase} data-open={isOpen || undefined}>
        <th scope="row">
          <button
            type="button"
            className="disclosure"
            aria-expanded={isOpen}
            aria-controls={detailsId}
            onClick={onToggle}
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
        <td className="number">{attempts.length || null}</td>
        <td className="error">{error && headline(error)}</td>
        <td className="time">
          <Time at={delivery._creationTime} />
        </td>
        <td className="actions">
          <RowAction delivery={delivery} />
        </td>
      </tr>
      <tr id={detailsId} className="details" hidden={!isOpen}>
        <td colSpan={7}>
          {isOpen && <Details delivery={delivery} dueAt={dueAt} />}
        </td>
      </tr>
    </>
  );
}
