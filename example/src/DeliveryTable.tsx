import { useQuery } from "convex/react";
import { api } from "../convex/_generated/api.js";
import { DeliveryRow } from "./DeliveryRow.js";
import type { Delivery } from "./types.js";

export function DeliveryTable({
  labelledBy,
  isBusy,
  rows,
  selected,
  onSelect,
}: {
  labelledBy: string;
  isBusy: boolean;
  rows: Delivery[] | undefined;
  /** The id of the delivery whose details are open. */
  selected: string | undefined;
  onSelect: (deliveryId: string | undefined) => void;
}) {
  const details = useQuery(
    api.deliveries.get,
    selected === undefined ? "skip" : { deliveryId: selected },
  );
  // Rows move while they are looked at. One that is open stays in sight.
  const isElsewhere =
    details && rows && !rows.some(({ _id }) => _id === details._id);
  return (
    <table
      className="deliveries"
      aria-labelledby={labelledBy}
      aria-busy={isBusy}
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
        {details === null && (
          <tr>
            <td colSpan={7} className="muted">
              There is no delivery {selected}.
            </td>
          </tr>
        )}
        {(isElsewhere ? [details, ...rows] : (rows ?? [])).map((delivery) => {
          const isOpen = delivery._id === selected;
          return (
            <DeliveryRow
              key={delivery._id}
              delivery={delivery}
              isOpen={isOpen}
              dueAt={isOpen ? details?.dueAt : undefined}
              onToggle={() => onSelect(isOpen ? undefined : delivery._id)}
            />
          );
        })}
      </tbody>
    </table>
  );
}
