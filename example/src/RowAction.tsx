import { useMutation } from "convex/react";
import { api } from "../convex/_generated/api.js";
import { useNotices } from "./notice.js";
import { ActButton } from "./online.js";
import type { Delivery } from "./types.js";

/** What can be done to a delivery now. */
export function RowAction({ delivery }: { delivery: Delivery }) {
  const cancel = useMutation(api.cancel.one);
  const redeliver = useMutation(api.redeliver.one);
  const { attempt } = useNotices();
  const { _id: deliveryId, phase, title, endpoint, redeliveredAs } = delivery;
  const what = `${title} to ${endpoint}`;
  switch (phase) {
    case "queued":
    case "claimed":
    case "running":
    case "retrying":
      return (
        <ActButton
          aria-label={`Cancel ${what}`}
          onClick={() =>
            void attempt(`Canceling ${what}`, () => cancel({ deliveryId }))
          }
        >
          Cancel
        </ActButton>
      );
    case "failed":
    case "canceled":
      return redeliveredAs ? (
        <span className="muted">Redelivered</span>
      ) : (
        <ActButton
          aria-label={`Redeliver ${what}`}
          onClick={() =>
            void attempt(`Redelivering ${what}`, () =>
              redeliver({ deliveryId }),
            )
          }
        >
          Redeliver
        </ActButton>
      );
    case "finishing":
    case "success":
      return null;
  }
}
